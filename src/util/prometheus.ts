/** The text formats in which Prometheus reads metrics: its own, and OpenMetrics. */

/** `text` is version 0.0.4 of Prometheus' own; the other is OpenMetrics 1.0.0. */
export type MetricsFormat = 'text' | 'openmetrics'

/** `info`: a gauge that is always 1, whose labels say something; its name ends with `_info`. */
export type MetricType = 'counter' | 'gauge' | 'summary' | 'info'

/** Metrics of one name. That of a counter ends with `_total`; times are seconds, sizes bytes. */
export interface MetricFamily {
  readonly name: string
  readonly type: MetricType
  /** What it counts or measures, in a sentence. */
  readonly help: string
}

const CONTENT_TYPES: Readonly<Record<MetricsFormat, string>> = {
  text: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
}

/**
 * Writes families of metrics, one behind the other:
 *
 *     writer.begin({ name: 'nsqd_topic_depth', type: 'gauge', help: 'Messages that wait.' })
 *     writer.sample(5, labelText({ topic: 'a' }))
 */
export class MetricsWriter {
  readonly #format: MetricsFormat
  #text = ''
  /** The head of the family begun last, until it has a sample: one without any is left out. */
  #head = ''
  #name = ''

  constructor(format: MetricsFormat = 'text') {
    this.#format = format
  }

  get contentType(): string {
    return CONTENT_TYPES[this.#format]
  }

  /** Begins a family. All its samples must follow before the next begins, and no family may come twice. */
  begin({ name, type, help }: MetricFamily): void {
    const isOpen = this.#format === 'openmetrics'
    // There a family is named without the ending that its samples have.
    const family = isOpen ? name.replace(type === 'counter' ? /_total$/ : /_info$/, '') : name
    const shownType = type === 'info' && !isOpen ? 'gauge' : type
    this.#name = name
    this.#head = `# HELP ${family} ${isOpen ? escapeLabel(help) : escapeHelp(help)}\n# TYPE ${family} ${shownType}\n`
  }

  /** Adds a sample to the family begun last. `labels` is what `labelText` gives. */
  sample(value: number, labels = ''): void {
    this.#text += `${this.#head}${this.#name}${labels} ${valueText(value)}\n`
    this.#head = ''
  }

  /** A family of one sample without labels. */
  single(family: MetricFamily, value: number): void {
    this.begin(family)
    this.sample(value)
  }

  /** All that was written. */
  finish(): string {
    return this.#format === 'openmetrics' ? `${this.#text}# EOF\n` : this.#text
  }
}

/** Labels as they stand behind a metric's name: `{topic="a",channel="b"}`; empty for none. */
export function labelText(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escapeLabel(value)}"`)
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`
}

/** The format for whoever sends this Accept header: OpenMetrics only to those who name it. */
export function metricsFormat(accept: string | undefined): MetricsFormat {
  return /application\/openmetrics-text(?![^,]*;\s*q=0(\.0*)?\s*(,|;|$))/i.test(accept ?? '')
    ? 'openmetrics'
    : 'text'
}

function valueText(value: number): string {
  if (value === Infinity) return '+Inf'
  return value === -Infinity ? '-Inf' : String(value)
}

function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}
