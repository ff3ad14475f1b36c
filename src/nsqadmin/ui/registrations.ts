/** What is odd about the nsqds as nsqlookupd has them. */
import type { NodeRow } from '../live-types.ts'

/** The newest version that any node runs; undefined when none says. */
export function newestVersion(nodes: readonly Pick<NodeRow, 'version'>[]): string | undefined {
  return nodes
    .map(node => node.version)
    .filter(version => /^\d/.test(version))
    .reduce<string | undefined>(
      (newest, version) => (newest === undefined || compareVersions(version, newest) > 0 ? version : newest),
      undefined,
    )
}

/** Positive when `a` is newer. A version with a suffix (`1.3.1-alpha`) comes before the same without. */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [split(a), split(b)]
  for (let i = 0; i < Math.max(left.numbers.length, right.numbers.length); i++) {
    const difference = (left.numbers[i] ?? 0) - (right.numbers[i] ?? 0)
    if (difference !== 0) return difference
  }
  if (left.suffix === right.suffix) return 0
  if (left.suffix === '' || right.suffix === '') return left.suffix === '' ? 1 : -1
  return left.suffix < right.suffix ? -1 : 1
}

function split(version: string): { numbers: number[]; suffix: string } {
  const [core = '', ...rest] = version.split('-')
  return { numbers: core.split('.').map(part => Number.parseInt(part, 10) || 0), suffix: rest.join('-') }
}

/** The nsqlookupds that should know the node, and do not. */
export function missingAt(node: Pick<NodeRow, 'lookupds'>, lookupds: readonly string[]): string[] {
  return lookupds.filter(lookupd => !node.lookupds.includes(lookupd))
}
