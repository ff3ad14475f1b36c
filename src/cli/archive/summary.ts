import type { Context } from '../command.ts'
import type { ArchiveOptions } from '../commands/archive.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { Totals } from './archives.ts'

/** Why a run came to its end. */
export type Ended = 'empty' | 'max-messages' | 'max-duration' | 'signal' | 'error'

/** What a run has done; `--json` prints it as it is. */
export interface Summary extends Pick<Totals, 'messages' | 'bytes' | 'files' | 'recovered' | 'requeued'> {
  /** Since the first connection. */
  readonly seconds: number
  /** Messages that are in the archive, and that nsqd may deliver again. */
  readonly unfinished: number
  /** Files that are complete, and not where they belong. */
  readonly waiting: number
  readonly ended: Ended
  /** Whether all that was taken is safe, and nothing is left that was to be taken. */
  readonly ok: boolean
}

/** One line on stdout where that is asked for, and one for whoever watches. */
export function printSummary(
  { options, program, stdout, stderr }: Context<ArchiveOptions>,
  summary: Summary,
): void {
  if (options.json) stdout.line(JSON.stringify(summary))
  if (!stderr.isTerminal) return
  const { messages, bytes, files, recovered, seconds } = summary
  const rate = messages / Math.max(seconds, 0.001)
  const mended = recovered === 0 ? '' : `; ${plural(recovered, 'file')} of earlier runs mended`
  stderr.line(
    `${program}: ${plural(messages, 'message')} (${formatBytes(bytes)}) in ${plural(files, 'file')} ` +
      `in ${seconds.toFixed(seconds < 10 ? 2 : 0)} s, ${formatCount(rate)}/s${mended}`,
  )
}
