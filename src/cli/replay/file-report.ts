import { errorText, NsqError } from '../../util/errors.ts'
import type { Context } from '../command.ts'
import type { ReplayOptions } from '../commands/replay.ts'
import { ExitCode } from '../errors.ts'
import { oneLine } from '../escape.ts'
import type { Publisher } from '../pub/publisher.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { FilePump } from './file-pump.ts'
import type { Part, Range } from './parts.ts'

interface Outcome {
  readonly pump: FilePump
  readonly publisher: Publisher
  readonly parts: readonly Part[]
  readonly range: Range
  readonly seconds: number
}

/** What is told of a replay of files. */
export class FileReport {
  /** Writes above a line that is drawn anew. */
  above: (write: () => void) => void = write => write()
  readonly #context: Context<ReplayOptions>
  readonly #damaged: { file: string; problem: string }[] = []

  constructor(context: Context<ReplayOptions>) {
    this.#context = context
  }

  note(text: string): void {
    const { program, stderr } = this.#context
    this.above(() => stderr.line(`${program}: ${oneLine(text)}`))
  }

  damaged(file: string, problem: string): void {
    this.#damaged.push({ file, problem })
    this.note(`${file}: ${problem}`)
  }

  /** Of a dry run: what there is, file by file. */
  file({ location, framing, compression, topic }: Part, messages: number): void {
    const { options, stdout } = this.#context
    if (!options.dryRun) return
    if (options.json) {
      const details = { messages, framing, compression: compression.name, topic: topic ?? null }
      stdout.line(JSON.stringify({ file: location, ...details }))
      return
    }
    const how = compression.name === 'none' ? framing : `${framing}, ${compression.name}`
    const where = topic === undefined ? 'to their own topics' : `to ${topic}`
    stdout.line(oneLine(`${location}: ${plural(messages, 'message')} (${how}) ${where}`))
  }

  /** Says how it went, and returns the exit code. */
  end({ pump, publisher, parts, range, seconds }: Outcome): number {
    const { options, signal, stdout } = this.#context
    const { acknowledged, failed, error } = publisher
    const { reached } = pump.marks
    const isAtEnd = reached.file >= parts.length
    const ended = error !== undefined ? 'error' : isAtEnd ? 'end' : signal.aborted ? 'signal' : 'error'
    const ok = ended === 'end' && this.#damaged.length === 0
    if (options.json) {
      stdout.line(
        JSON.stringify({
          ...(options.dryRun && { summary: true, dry_run: true }),
          ...acknowledged,
          files: pump.files,
          seconds: Math.round(seconds * 1000) / 1000,
          unacknowledged: failed.messages,
          empty: pump.empty,
          of_other_times: pump.outside,
          damaged: this.#damaged,
          ended,
          ok,
          resume: isAtEnd ? null : { skip_files: reached.file, skip: reached.message },
        }),
      )
    }
    this.#summarize(pump, publisher, parts, seconds)
    if (!isAtEnd && !options.dryRun) this.#resume(parts, reached, range)
    return ok ? ExitCode.done : ExitCode.failed
  }

  #summarize(
    pump: FilePump,
    { acknowledged, failed, error }: Publisher,
    parts: readonly Part[],
    seconds: number,
  ): void {
    const { options, stderr } = this.#context
    const topics = new Set(parts.map(({ topic, listed }) => topic ?? listed?.topic))
    const [topic] = topics.size === 1 ? topics : []
    const to = topic === undefined ? '' : ` to ${topic}`
    const rate = acknowledged.messages / Math.max(seconds, 0.001)
    const took = options.dryRun
      ? ': a dry run, nothing was published'
      : ` in ${seconds.toFixed(seconds < 10 ? 2 : 0)} s, ${formatCount(rate)}/s`
    const what = `${plural(acknowledged.messages, 'message')} (${formatBytes(acknowledged.bytes)})`
    this.note(`${what} of ${plural(pump.files, 'file')}${to}${took}`)
    if (pump.outside > 0) this.note(`${plural(pump.outside, 'message')} left out: of another time`)
    if (pump.empty > 0) this.note(`${plural(pump.empty, 'empty record')} left out: NSQ has no empty messages`)
    if (this.#damaged.length > 0)
      this.note(`${plural(this.#damaged.length, 'problem')} with the archive, see above`)
    if (error === undefined) return
    this.note(`${plural(failed.messages, 'message')} not acknowledged: ${errorText(error)}`)
    if (error instanceof NsqError && error.remedy !== undefined) stderr.line(`  ${oneLine(error.remedy)}`)
  }

  /** Where to go on, with times that mean the same later. */
  #resume(
    parts: readonly Part[],
    { file, message }: FilePump['marks']['reached'],
    { since, until }: Range,
  ): void {
    const { stderr } = this.#context
    const part = parts[file]
    const inside = message === 0 ? 'before' : `after ${plural(message, 'record')} of`
    this.note(`stopped ${inside} ${part?.location ?? 'the end'}; what comes before that is published`)
    const times = [
      ...(Number.isFinite(since) ? [`--since=${new Date(since).toISOString()}`] : []),
      ...(Number.isFinite(until) ? [`--until=${new Date(until).toISOString()}`] : []),
    ]
    const flags = [`--skip-files=${file}`, `--skip=${message}`, ...times].join(' ')
    stderr.line(`  To go on, say the same again with ${flags}`)
  }
}
