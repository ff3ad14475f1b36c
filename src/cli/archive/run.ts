import { setTimeout as sleep } from 'node:timers/promises'
import { errorText } from '../../util/errors.ts'
import { Logger } from '../../util/logger.ts'
import { withSources } from '../addresses.ts'
import type { Context } from '../command.ts'
import type { ArchiveOptions } from '../commands/archive.ts'
import { aborted } from '../daemon.ts'
import { ExitCode, exitCodeOf, UsageError } from '../errors.ts'
import { firstConnections } from '../first-connections.ts'
import { plural } from '../units.ts'
import { Archives } from './archives.ts'
import { Budget } from './budget.ts'
import { Equipment } from './equipment.ts'
import { type ProgressLine, showProgress } from './progress.ts'
import { Report } from './report.ts'
import { archiveSettings, type ArchiveSettings } from './settings.ts'
import { type Ended, printSummary } from './summary.ts'
import type { TopicArchive } from './topic-archive.ts'
import { chooseTopics, type TopicChoice, TopicDiscovery } from './topics.ts'
import { Unfinished } from './unfinished.ts'
import { untilEmpty } from './until-empty.ts'

export async function runArchive(context: Context<ArchiveOptions>): Promise<number> {
  const settings = archiveSettings(context)
  const choice = await chooseTopics(context.options, context.positionals, settings.namesTopics)
  return new Run(context, settings, choice).run()
}

/** How a run has ended, before it was put in order. */
interface Outcome {
  readonly ended: Ended
  /** What it failed with. */
  readonly error?: unknown
  /** Why messages are left that were to be taken. */
  readonly left: readonly string[]
}

class Run {
  readonly #context: Context<ArchiveOptions>
  readonly #settings: ArchiveSettings
  readonly #choice: TopicChoice
  readonly #log: Logger
  readonly #unfinished = new Unfinished()
  readonly #budget: Budget
  readonly #report: Report
  /** Aborted when the run comes to its end. */
  readonly #stop = new AbortController()
  #equipment: Equipment | undefined
  #archives: Archives | undefined
  #progress: ProgressLine | undefined
  /** Why it has not done all that it should have. */
  readonly #problems: string[] = []
  #startedAt = performance.now()

  constructor(context: Context<ArchiveOptions>, settings: ArchiveSettings, choice: TopicChoice) {
    const { options, stderr, signal } = context
    this.#context = context
    this.#settings = settings
    this.#choice = choice
    this.#log = new Logger({
      prefix: settings.logPrefix,
      level: settings.logLevel,
      write: line => {
        const write = (): void => void stderr.write(line)
        if (this.#progress === undefined) write()
        else this.#progress.above(write)
      },
    })
    this.#budget = new Budget(options.maxMessages === 0 ? Infinity : options.maxMessages)
    const ending = AbortSignal.any([signal, this.#stop.signal])
    this.#report = new Report(this.#log, this.#unfinished, settings.place.kind, ending)
  }

  async run(): Promise<number> {
    // To the end: otherwise it would end the process.
    const unhang = this.#context.onHangup(() => {
      this.#log.info('SIGHUP: closing all files')
      this.#archives?.hangup()
    })
    try {
      return await this.#finish(await this.#work())
    } finally {
      unhang()
    }
  }

  async #work(): Promise<Outcome> {
    try {
      this.#equipment = await Equipment.open({
        context: this.#context,
        settings: this.#settings,
        report: this.#report,
        budget: this.#budget,
      })
      const outcome = await this.#archive(this.#equipment)
      // Files are complete when all is closed: what is wrong with the output may be known only then.
      return { error: this.#archives?.failure, ...outcome }
    } catch (error) {
      // That is no run, which would have a summary.
      if (exitCodeOf(error) === ExitCode.usage) throw error
      return { ended: 'error', error, left: [] }
    }
  }

  async #archive(equipment: Equipment): Promise<Outcome> {
    const archives = new Archives({
      open: topic => equipment.openTopic(topic),
      watch: archive => equipment.watch(archive),
    })
    this.#archives = archives
    try {
      await this.#begin(equipment, archives)
      return await this.#untilEnd(archives)
    } finally {
      this.#stop.abort()
      this.#progress?.ending()
      const { requeued } = archives.totals
      await archives.close()
      const back = archives.totals.requeued - requeued
      if (back > 0)
        this.#problems.push(`${plural(back, 'message')} could not be archived, and went back to nsqd`)
    }
  }

  /** Opens the topics, and waits for the first connection of each. */
  async #begin(equipment: Equipment, archives: Archives): Promise<void> {
    const { signal } = this.#context
    const opened: TopicArchive[] = []
    let hasBegun = false
    const open = async (topic: string): Promise<void> => {
      const archive = await archives.add(topic)
      if (archive === undefined) return
      if (!hasBegun) opened.push(archive)
      // What it fails with at first the consumer tells, and goes on trying.
      else archive.start().catch(() => {})
    }
    const { named } = this.#choice
    const discovery = named.length === 0 ? this.#discover(equipment, open) : undefined
    await (discovery?.look() ?? Promise.all(named.map(open)))
    // Before anything is written: what a run with another format has left may be one of our files.
    await equipment.recover().catch((error: unknown) => {
      this.#problems.push(`what earlier runs have left cannot be mended: ${errorText(error)}`)
    })
    hasBegun = true
    // Only now: when one of them cannot be opened, nothing is taken.
    const started = Promise.all(opened.map(archive => archive.start()))
    await withSources(equipment.from, Promise.race([started, aborted(signal)]))
    this.#startedAt = performance.now()
    this.#report.begin()
    void discovery?.watch(Math.round(this.#context.options.topicRefresh), this.#stop.signal)
    await this.#announce(archives)
    this.#progress = await showProgress(archives, this.#context.stderr)
  }

  #discover(equipment: Equipment, found: (topic: string) => Promise<void>): TopicDiscovery {
    return new TopicDiscovery({
      lookupd: equipment.from.lookupd,
      lookupOptions: equipment.lookupOptions,
      matches: this.#choice.matches,
      // Anybody may name a topic so that its files cannot be: that is no reason to archive nothing.
      found: topic =>
        found(topic).catch((error: unknown) => {
          if (!(error instanceof UsageError)) throw error
          this.#problems.push(`the topic ${topic} is not archived: ${error.message}`)
        }),
      failed: this.#report.failed,
    })
  }

  /** Tells a person what is being waited for. */
  async #announce(archives: Archives): Promise<void> {
    const { program, signal, stderr } = this.#context
    if (!stderr.isTerminal) return
    await Promise.race([firstConnections(() => archives.connectionsOfEach), aborted(signal)])
    const nsqds = archives.connections
    const where = nsqds.length === 0 ? '' : ` of ${nsqds.join(', ')}`
    const { place, channel } = this.#settings
    const what = archives.size === 1 ? archives.topics.join('') : plural(archives.size, 'topic')
    const target = place.kind === 's3' ? place.url : place.path
    stderr.line(`${program}: ${what} on channel ${channel}${where}, to ${target}. Ctrl-C stops.`)
    for (const topic of archives.unconnected)
      stderr.line(`No nsqd has the topic ${topic} yet: waiting for one.`)
  }

  #untilEnd(archives: Archives): Promise<Outcome> {
    const { options, signal } = this.#context
    const left: string[] = []
    const ends: Promise<Outcome>[] = [
      aborted(signal).then(() => ({ ended: 'signal', left })),
      archives.failed.then(error => ({ ended: 'error', error, left })),
      this.#budget.spent.then(() => ({ ended: 'max-messages', left })),
    ]
    if (options.maxDuration > 0) {
      const waited = sleep(Math.round(options.maxDuration), undefined, { signal: this.#stop.signal })
      ends.push(waited.then(() => ({ ended: 'max-duration', left })))
    }
    if (options.untilEmpty) ends.push(this.#untilEmpty(archives))
    return Promise.race(ends)
  }

  async #untilEmpty(archives: Archives): Promise<Outcome> {
    const { isVoid, left } = await untilEmpty(archives, this.#stop.signal)
    // Nothing is in flight either: what nsqd did not take our word for, it took from another.
    if (isVoid) this.#unfinished.clear()
    if (!this.#stop.signal.aborted) {
      for (const topic of archives.unconnected) this.#log.warn(`no nsqd has the topic ${topic}`)
      if (archives.size === 0) this.#log.warn('there is no topic that --topic-pattern is found in')
    }
    return { ended: 'empty', left }
  }

  /** Says how it went, once everything is closed. */
  async #finish({ ended, error, left }: Outcome): Promise<number> {
    const seconds = (performance.now() - this.#startedAt) / 1000
    const problems = this.#problems
    problems.push(...left)
    await this.#equipment?.close().catch((failure: unknown) => problems.push(errorText(failure)))
    this.#progress?.hide()
    this.#progress = undefined
    const totals = this.#archives?.totals
    const mended = this.#equipment?.recovered
    const waiting = (totals?.waiting ?? 0) + (mended?.waiting ?? 0)
    const unfinished = this.#unfinished.count
    if (waiting > 0) problems.push(`${plural(waiting, 'file')} not delivered: the next run will try again`)
    if (unfinished > 0) {
      problems.push(
        `${plural(unfinished, 'message')} archived that nsqd may deliver again: their FIN came too late`,
      )
    }
    const { withoutTime = 0 } = this.#equipment ?? {}
    if (withoutTime > 0) {
      const { timeField } = this.#context.options
      this.#log.warn(
        `${plural(withoutTime, 'message')} without a time in ${timeField}, filed by that of nsqd`,
      )
    }
    printSummary(this.#context, {
      messages: totals?.messages ?? 0,
      bytes: totals?.bytes ?? 0,
      files: totals?.files ?? 0,
      recovered: (totals?.recovered ?? 0) + (mended?.files ?? 0),
      seconds: Math.round(seconds * 1000) / 1000,
      requeued: totals?.requeued ?? 0,
      unfinished,
      waiting,
      ended,
      ok: error === undefined && problems.length === 0,
    })
    for (const problem of problems) this.#log.error(problem)
    if (error !== undefined) throw error
    return problems.length === 0 ? ExitCode.done : ExitCode.failed
  }
}
