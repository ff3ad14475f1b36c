/** How long a refresh of `stat` takes, as data. */

export interface StatLine {
  readonly name: string
  readonly what: string
  readonly topics: number
  /** Of each topic. */
  readonly channels: number
  readonly nsqds: number
  /** Wanted milliseconds for a refresh. */
  readonly aimMs: number
}

export const STAT_LINES: readonly StatLine[] = [
  {
    name: 'stat',
    what: 'stat: 1,000 topics × 5 channels on 3 nsqds',
    topics: 1000,
    channels: 5,
    nsqds: 3,
    aimMs: 1000,
  },
]
