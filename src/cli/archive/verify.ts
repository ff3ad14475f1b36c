import { type ArchiveFiles, FolderFiles } from '../../archive/archive-files.ts'
import { isS3Url } from '../../archive/s3/url.ts'
import { type PartFinding, type VerifyEvents, verifyArchive } from '../../archive/verify.ts'
import { loadPainter } from '../colour.ts'
import type { Context } from '../command.ts'
import type { ArchiveVerifyOptions } from '../commands/archive-verify.ts'
import { ExitCode, UsageError } from '../errors.ts'
import { printable } from '../escape.ts'
import { showStatusLine } from '../status-line.ts'
import { formatBytes, formatCount, plural } from '../units.ts'

/** A person wants to know which files are in no manifest, not a thousand of them. */
const MOST_NAMES = 10

export async function runVerify(context: Context<ArchiveVerifyOptions>): Promise<number> {
  const files = await openFiles(context)
  const verification = new Verification(context)
  const hide = await verification.showProgress()
  try {
    await verifyArchive(files, verification, context.signal)
  } catch (error) {
    if (!context.signal.aborted) throw error
    verification.wasStopped = true
  } finally {
    hide()
    files.close()
  }
  return verification.finish(files.location)
}

async function openFiles({ positionals, options }: Context<ArchiveVerifyOptions>): Promise<ArchiveFiles> {
  const [output] = positionals
  const { s3Endpoint: endpoint } = options
  if (output === undefined || output === '') {
    throw new UsageError('there is nothing to verify', 'Name a folder, or s3://BUCKET/PREFIX.')
  }
  if (!isS3Url(output)) {
    if (endpoint === undefined) return new FolderFiles(output)
    throw new UsageError(
      `--s3-endpoint is for S3: ${output} is a folder`,
      'Name a bucket, s3://BUCKET/PREFIX, or leave the endpoint (NSQ_S3_ENDPOINT) out.',
    )
  }
  const { S3Files } = await import('../../archive/s3/s3-files.ts')
  try {
    return await S3Files.open({ url: output, endpoint })
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}

interface TopicTotals {
  files: number
  wrong: number
  messages: number
  bytes: number
}

/** Counts what is found, and says it as it comes. */
class Verification implements VerifyEvents {
  wasStopped = false
  readonly #context: Context<ArchiveVerifyOptions>
  readonly #startedAt = performance.now()
  readonly #topics = new Map<string, TopicTotals>()
  readonly #total: TopicTotals = { files: 0, wrong: 0, messages: 0, bytes: 0 }
  readonly #unlisted: string[] = []
  #unlistedCount = 0
  #badManifests = 0
  #expected = { files: 0, bytes: 0 }
  #bytesRead = 0

  constructor(context: Context<ArchiveVerifyOptions>) {
    this.#context = context
  }

  found(files: number, bytes: number): void {
    this.#expected = { files, bytes }
  }

  read(bytes: number): void {
    this.#bytesRead += bytes
  }

  part({ file, manifest, topic, messages, bytes, problems }: PartFinding): void {
    const ok = problems.length === 0
    const totals = this.#topics.get(topic) ?? { files: 0, wrong: 0, messages: 0, bytes: 0 }
    this.#topics.set(topic, totals)
    for (const sum of [totals, this.#total]) {
      sum.files++
      if (!ok) sum.wrong++
      sum.messages += messages
      sum.bytes += bytes
    }
    this.#json({ file, manifest, topic, messages, bytes, ok, problems })
    if (!ok) this.#complain(`${file}: ${problems.map(({ text }) => text).join('; ')} (listed in ${manifest})`)
  }

  badManifest(manifest: string, text: string): void {
    this.#badManifests++
    this.#json({ manifest, ok: false, problem: text })
    this.#complain(`${manifest}: ${text}`)
  }

  tornManifest(manifest: string): void {
    this.#json({ manifest, torn: true })
    this.#note(`${manifest}: the last line is torn: the run died while it wrote it`)
  }

  unlisted(file: string): void {
    this.#unlistedCount++
    if (this.#unlisted.length < MOST_NAMES) this.#unlisted.push(file)
    this.#json({ file, unlisted: true })
  }

  /** Says how it went, and returns the exit code. */
  async finish(location: string): Promise<number> {
    const { files, wrong, messages, bytes } = this.#total
    const seconds = Math.round(performance.now() - this.#startedAt) / 1000
    const ok = wrong === 0 && this.#badManifests === 0 && !this.wasStopped
    const unlisted = this.#unlistedCount
    this.#json({ summary: true, files, wrong, unlisted, messages, bytes, seconds, ok })
    if (unlisted > 0) {
      const more = unlisted - this.#unlisted.length
      const names = this.#unlisted.join(', ') + (more === 0 ? '' : ` and ${formatCount(more)} more`)
      this.#note(`in no manifest: ${names}`)
    }
    if (this.wasStopped) {
      this.#complain(`stopped after ${formatCount(files)} of ${plural(this.#expected.files, 'file')}`)
    }
    const { stdout, options } = this.#context
    if (stdout.isTerminal && !options.json) stdout.line(await this.#report(location, ok))
    return ok ? ExitCode.done : ExitCode.failed
  }

  /** A line on the terminal, where there is one. Returns how to take it away. */
  async showProgress(): Promise<() => void> {
    if (this.#context.options.json) return () => {}
    const line = await showStatusLine(this.#context.stderr, 'reading the manifests', () => {
      const { files, bytes } = this.#expected
      if (files === 0) return undefined
      const done = `${formatCount(this.#total.files)} of ${plural(files, 'file')}`
      return `${done}, ${formatBytes(this.#bytesRead)} of ${formatBytes(bytes)}`
    })
    this.#above = line.above
    return () => {
      line.hide()
      this.#above = write => write()
    }
  }

  #above: (write: () => void) => void = write => write()

  async #report(location: string, ok: boolean): Promise<string> {
    const { bold, green, red } = await loadPainter(this.#context.stdout.colour)
    const { files, wrong, messages, bytes } = this.#total
    const { default: Table } = await import('cli-table3')
    const table = new Table({
      head: ['topic', 'files', 'messages', 'size', 'wrong'],
      colAligns: ['left', 'right', 'right', 'right', 'right'],
      style: { head: [], border: [] },
    })
    for (const [topic, its] of [...this.#topics].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const counts = [formatCount(its.files), formatCount(its.messages), formatBytes(its.bytes)]
      table.push([
        printable(Buffer.from(topic)),
        ...counts,
        its.wrong === 0 ? '0' : red(formatCount(its.wrong)),
      ])
    }
    const all = `${plural(files, 'file')}, ${plural(messages, 'message')}, ${formatBytes(bytes)}`
    const faults = [
      ...(wrong > 0 ? [`${formatCount(wrong)} wrong`] : []),
      ...(this.#badManifests > 0 ? ['a manifest is damaged'] : []),
      ...(this.wasStopped ? ['stopped before the end'] : []),
    ]
    const verdict = ok ? green('all as they were written') : red(faults.join(', '))
    return `${table.toString()}\n${bold(location)}: ${all}: ${verdict}`
  }

  #json(value: object): void {
    if (this.#context.options.json) this.#context.stdout.line(JSON.stringify(value))
  }

  /** What a person wants to know, and cron not. */
  #note(text: string): void {
    if (this.#context.stderr.isTerminal && !this.#context.options.json) this.#complain(text)
  }

  #complain(text: string): void {
    const { program, stderr } = this.#context
    // Names may come from anybody who can write to the bucket.
    this.#above(() => stderr.line(`${program}: ${printable(Buffer.from(text))}`))
  }
}
