import type { Output } from '../output.ts'
import { showStatusLine, type StatusLine } from '../status-line.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { Archives } from './archives.ts'

const LOOK_MS = 2000
/** What the rate is taken from. */
const PACE_MS = 2000

/** A line on the terminal that shows how archiving goes. */
export interface ProgressLine extends StatusLine {
  /** The run is coming to its end, which may take a while. */
  readonly ending: () => void
}

/** Shows nothing where lines cannot be redrawn. */
export async function showProgress(
  archives: Pick<Archives, 'totals' | 'look'>,
  output: Output,
): Promise<ProgressLine> {
  let depth: number | undefined
  let isEnding = false
  const pace = new Pace()
  const text = (): string | undefined => {
    const { messages, bytes, inHand, waiting, currentFile } = archives.totals
    const rate = pace.at(performance.now(), messages)
    if (isEnding && inHand + waiting > 0) {
      const rest = [plural(inHand, 'message'), plural(waiting, 'file')].join(' and ')
      return `completing ${rest}; Ctrl-C again ends it at once, and nothing is lost`
    }
    if (messages + inHand === 0) return undefined
    return [
      plural(messages, 'message'),
      formatBytes(bytes),
      `${formatCount(rate)}/s`,
      ...(depth === undefined ? [] : [`${formatCount(depth)} left`]),
      ...(currentFile === undefined ? [] : [currentFile]),
    ].join(', ')
  }
  const { above, hide } = await showStatusLine(output, 'waiting for messages', text)
  const ending = (): void => {
    isEnding = true
  }
  if (!output.canRedraw) return { above, ending, hide }
  const look = async (): Promise<void> => {
    depth = (await archives.look()).depth
  }
  void look()
  const looking = setInterval(() => void look(), LOOK_MS)
  return {
    above,
    ending,
    hide: () => {
      clearInterval(looking)
      hide()
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
