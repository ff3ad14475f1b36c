import type { Output } from '../output.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { Archives } from './archives.ts'

const INTERVAL_MS = 200
const LOOK_MS = 2000
/** What the rate is taken from. */
const PACE_MS = 2000

/** A line on the terminal that shows how archiving goes. */
export interface ProgressLine {
  /** Writes something else, above it. */
  above(write: () => void): void
  /** The run is coming to its end, which may take a while. */
  ending(): void
  hide(): void
}

/** Shows nothing where lines cannot be redrawn. */
export async function showProgress(
  archives: Pick<Archives, 'totals' | 'look'>,
  { canRedraw, colour, stream }: Output,
): Promise<ProgressLine> {
  if (!canRedraw) return { above: write => write(), ending: () => {}, hide: () => {} }
  const { default: ora } = await import('ora')
  const spinner = ora({
    stream,
    // It does not know NO_COLOR.
    color: colour === 0 ? false : 'cyan',
    // Ctrl-C is for us.
    discardStdin: false,
    text: 'waiting for messages',
  }).start()
  let depth: number | undefined
  const look = async (): Promise<void> => {
    depth = (await archives.look()).depth
  }
  void look()
  const looking = setInterval(() => void look(), LOOK_MS)
  const pace = new Pace()
  let isEnding = false
  const drawing = setInterval(() => {
    const { messages, bytes, inHand, waiting, currentFile } = archives.totals
    const rate = pace.at(performance.now(), messages)
    if (isEnding && inHand + waiting > 0) {
      const rest = [plural(inHand, 'message'), plural(waiting, 'file')].join(' and ')
      spinner.text = `completing ${rest}; Ctrl-C again ends it at once, and nothing is lost`
      return
    }
    if (messages + inHand === 0) return
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
    ending: () => {
      isEnding = true
    },
    hide: () => {
      clearInterval(looking)
      clearInterval(drawing)
      spinner.stop()
    },
  }
}

/** How fast a count grows of late: a rate since the start would say little about a run of days. */
export class Pace {
  readonly #samples: { at: number; count: number }[] = []

  /** A second, since two seconds ago. */
  at(now: number, count: number): number {
    this.#samples.push({ at: now, count })
    while (this.#samples.length > 2 && (this.#samples[1]?.at ?? now) <= now - PACE_MS) this.#samples.shift()
    const [first] = this.#samples
    if (first === undefined || first.at === now) return 0
    return ((count - first.count) / (now - first.at)) * 1000
  }
}
