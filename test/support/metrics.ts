/** The samples in Prometheus' text format, by name and labels as they are written. */
export function readMetrics(text: string): Map<string, number> {
  const lines = text.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  return new Map(
    lines.map(line => {
      const cut = line.lastIndexOf(' ')
      return [line.slice(0, cut), Number(line.slice(cut + 1))]
    }),
  )
}

export interface ShownFamily {
  readonly type: string
  readonly help: string
  /** Names of its labels. */
  readonly labels: readonly string[]
}

/** The families in Prometheus' text format, each of which must have a sample. */
export function readFamilies(text: string): Map<string, ShownFamily> {
  const families = text.matchAll(/^# HELP (\S+) (.*)\n# TYPE \S+ (\S+)\n\S+?(?:\{(.*)\})? \S+$/gm)
  return new Map(
    Array.from(families, ([, name = '', help = '', type = '', labels = '']) => [
      name,
      { type, help, labels: Array.from(labels.matchAll(/(\w+)="/g), ([, label = '']) => label) },
    ]),
  )
}
