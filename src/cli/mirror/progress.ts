import { Pace } from '../archive/progress.ts'
import type { Output } from '../output.ts'
import { showStatusLine, type StatusLine } from '../status-line.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { Tally } from './tally.ts'

/** A line on the terminal, where there is one, that shows how mirroring goes. */
export function showProgress(tally: Tally, inHand: () => number, output: Output): Promise<StatusLine> {
  const pace = new Pace()
  return showStatusLine(output, 'waiting for messages', () => {
    const { mirrored, bytes, leftOutTotal } = tally
    const rate = pace.at(performance.now(), mirrored)
    const taken = inHand()
    if (mirrored + leftOutTotal + taken === 0) return undefined
    return [
      plural(mirrored, 'message'),
      formatBytes(bytes),
      `${formatCount(rate)}/s`,
      ...(leftOutTotal === 0 ? [] : [`${formatCount(leftOutTotal)} left out`]),
      `${formatCount(taken)} on their way`,
    ].join(', ')
  })
}
