/** The output of nsq_stat: the same columns, in the same widths, from the sums over nsqds. */
import type { NsqdStats } from '../../cluster/stats.ts'
import { sumChannel } from '../../cluster/totals.ts'

/** Reports between two heads. */
const HEAD_EVERY = 25
const HEAD = [
  `${'rate'.padStart(10, '-').padEnd(16, '-')}+${'depth'.padStart(21, '-').padEnd(37, '-')}+` +
    'metadata'.padStart(22, '-').padEnd(37, '-'),
  line(['ingress', 'egress'], ['total', 'mem', 'disk', 'inflt', 'def'], ['req', 't-o', 'msgs', 'clients']),
]

/** Writes the lines of a channel, look after look. */
export class OfficialReport {
  readonly #topic: string
  readonly #channel: string
  #last: readonly NsqdStats[] | undefined
  #looks = 0

  constructor(topic: string, channel: string) {
    this.#topic = topic
    this.#channel = channel
  }

  /** The lines after a look; a head only after the first. `undefined`: it was in vain. */
  next(stats: readonly NsqdStats[] | undefined): readonly string[] {
    const lines = this.#looks++ % HEAD_EVERY === 0 ? [...HEAD] : []
    const total = stats === undefined ? undefined : sumChannel(this.#topic, this.#channel, stats)
    if (stats === undefined || total === undefined) return lines
    const last = this.#last
    this.#last = stats
    if (last === undefined) return lines
    const { ingress, egress } = this.#rates(last, stats)
    lines.push(
      line(
        [ingress, egress],
        [total.depth, total.depth - total.backendDepth, total.backendDepth, total.inFlight, total.deferred],
        [total.requeued, total.timedOut, total.messages, total.clients],
      ),
    )
    return lines
  }

  /**
   * What has come, and what has left the queue for consumers, a second; each nsqd's over the time between its answers.
   * The counters of one that was restarted begin anew, and say nothing until the next look.
   */
  #rates(last: readonly NsqdStats[], stats: readonly NsqdStats[]): { ingress: number; egress: number } {
    let [ingress, egress] = [0, 0]
    for (const now of stats) {
      const before = last.find(({ node, startTime }) => node === now.node && startTime === now.startTime)
      if (before === undefined) continue
      const seconds = (now.answeredAt - before.answeredAt) / 1000
      const [was, is] = [before, now].map(each => sumChannel(this.#topic, this.#channel, [each]))
      if (was === undefined || is === undefined || is.messages < was.messages || seconds <= 0) continue
      ingress += (is.messages - was.messages) / seconds
      egress += (is.messages - was.messages - (is.depth - was.depth)) / seconds
    }
    return { ingress: Math.trunc(ingress), egress: Math.trunc(egress) }
  }
}

type Figures = readonly (string | number)[]

function line(rates: Figures, depths: Figures, metadata: Figures): string {
  return [padded(rates, [7, 7]), padded(depths, [7, 7, 7, 5, 5]), padded(metadata, [7, 7, 12, 7])].join(' | ')
}

function padded(figures: Figures, widths: readonly number[]): string {
  return figures.map((figure, index) => String(figure).padStart(widths[index] ?? 0)).join(' ')
}
