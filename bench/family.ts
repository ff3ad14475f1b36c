import type { Scale } from './contestants.ts'
import type { Finding } from './finding.ts'

/** What every kind of line has. */
export interface NamedLine {
  readonly name: string
}

export interface BenchOptions {
  readonly rounds: number
  readonly scale: Scale
  /** Another nsqd to measure beside ours; '' for none. */
  readonly peer: string
  /** Where the official tools are; '' for none. */
  readonly officialBin: string
  /** A folder for profiles of ours; '' for none. */
  readonly profile: string
}

/** Lines of one kind, which are measured alike and have their tables in common. */
export interface Family {
  /** What `--json` has its results under, and `--help` its lines. */
  readonly name: string
  readonly lines: readonly NamedLine[]
  /** Measures those of its lines that are named. `onLine` hears of each as it begins. */
  run(
    names: ReadonlySet<string>,
    options: BenchOptions,
    onLine: (name: string) => void,
  ): Promise<{
    readonly results: readonly unknown[]
    readonly findings: readonly Finding[]
    readonly tables: readonly string[]
  }>
}

export function defineFamily<L extends NamedLine, R>(definition: {
  readonly name: string
  readonly lines: readonly L[]
  measure(line: L, options: BenchOptions): Promise<R>
  /** What each line came to: its place in the table of all lines. */
  findings(result: R): readonly Finding[]
  /** What else is worth seeing, in Markdown; called with at least one result. */
  tables(results: readonly R[]): readonly string[]
}): Family {
  const { name, lines } = definition
  return {
    name,
    lines,
    run: async (names, options, onLine) => {
      const results: R[] = []
      for (const line of lines.filter(line => names.has(line.name))) {
        onLine(line.name)
        results.push(await definition.measure(line, options))
      }
      return {
        results,
        findings: results.flatMap(result => definition.findings(result)),
        tables: results.length === 0 ? [] : definition.tables(results),
      }
    },
  }
}
