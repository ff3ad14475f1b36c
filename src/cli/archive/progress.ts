import type { Output } from '../output.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { Archives } from './archives.ts'

const INTERVAL_MS = 200
const LOOK_MS = 2000

/** A line on the terminal that shows how archiving goes. */
export interface ProgressLine {
  /** Writes something else, above it. */
  above(write: () => void): void
  hide(): void
}

/** Shows nothing where lines cannot be redrawn. */
export async function showProgress(
  archives: Pick<Archives, 'totals' | 'look'>,
  { canRedraw, colour, stream }: Output,
): Promise<ProgressLine> {
  if (!canRedraw) return { above: write => write(), hide: () => {} }
  const { default: ora } = await import('ora')
  const startedAt = performance.now()
  const spinner = ora({
    stream,
    // It does not know NO_COLOR.
    color: colour === 0 ? false : 'cyan',
    // Ctrl-C is for us.
    discardStdin: false,
    text: 'waiting for messages',
  }).start()
  let depth: number | undefined
  const looking = setInterval(() => {
    void archives.look().then(backlog => (depth = backlog.depth))
  }, LOOK_MS)
  const drawing = setInterval(() => {
    const { messages, bytes, inHand, currentFile } = archives.totals
    if (messages + inHand === 0) return
    const rate = messages / ((performance.now() - startedAt) / 1000)
    spinner.text = [
      plural(messages, 'message'),
      formatBytes(bytes),
      `${formatCount(rate)}/s`,
      ...(depth === undefined ? [] : [`${formatCount(depth)} left`]),
      ...(currentFile === undefined ? [] : [currentFile]),
    ].join(', ')
  }, INTERVAL_MS)
  return {
    above: write => {
      spinner.clear()
      write()
      spinner.render()
    },
    hide: () => {
      clearInterval(looking)
      clearInterval(drawing)
      spinner.stop()
    },
  }
}
