/** How much more than at first a quantity may be in the end, before it counts as growing. */
export interface Allowance {
  /** As a multiple of what it was. */
  ratio: number
  /** In addition to that. */
  slack: number
}

/** What is left out before anything is compared: caches fill up, code is compiled. */
const WARM_UP_SHARE = 0.25

/** One quantity over time. */
export class Series {
  readonly name: string
  readonly unit: string
  readonly #allowance: Allowance
  readonly #values: number[] = []

  constructor(name: string, unit: string, allowance: Allowance) {
    this.name = name
    this.unit = unit
    this.#allowance = allowance
  }

  /** NaN when it could not be measured. */
  add(value: number): void {
    this.#values.push(value)
  }

  /** The last value as a column of CSV: empty when it could not be measured. */
  get latest(): string {
    const value = this.#values.at(-1) ?? Number.NaN
    return Number.isNaN(value) ? '' : String(Math.round(value * 100) / 100)
  }

  /**
   * Whether it has grown: medians of the first and the last third after the warm-up are compared, so that no single peak
   * decides, be it of a garbage collection or of a busy machine.
   */
  judge(): Verdict {
    const known = this.#values.filter(value => !Number.isNaN(value))
    const steady = known.slice(Math.floor(known.length * WARM_UP_SHARE))
    const third = Math.max(1, Math.floor(steady.length / 3))
    const first = median(steady.slice(0, third))
    const last = median(steady.slice(-third))
    const { ratio, slack } = this.#allowance
    return { first, last, most: Math.max(...known, 0), hasGrown: last > first * ratio + slack }
  }
}

export interface Verdict {
  /** The median of the first third after the warm-up. */
  first: number
  /** The median of the last third. */
  last: number
  most: number
  hasGrown: boolean
}

/** The value below which this share of others lie; NaN of none. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

function median(values: readonly number[]): number {
  return values.length === 0 ? 0 : quantile(values, 0.5)
}
