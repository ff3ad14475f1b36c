import { ARCHIVE_LINES, type ArchiveLine, type ArchiveMemoryLine } from './archive/lines.ts'
import { CLIENT_LINES, type ClientLine } from './client/lines.ts'
import { type Line, LINES } from './lines.ts'
import { STAT_LINES, type StatLine } from './stat/lines.ts'

/** Which lines are measured. */
export interface Choice {
  readonly lines: readonly Line[]
  readonly clientLines: readonly ClientLine[]
  readonly archiveLines: readonly (ArchiveLine | ArchiveMemoryLine)[]
  readonly statLines: readonly StatLine[]
}

/**
 * The lines of these names; a name also stands for all that it begins, up to a dash. Without names, all but those that
 * take long.
 */
export function choose(names: readonly string[]): Choice {
  if (names.length === 0) {
    return {
      lines: LINES.filter(line => line.onlyNamed !== true),
      clientLines: CLIENT_LINES,
      archiveLines: ARCHIVE_LINES.filter(({ kind }) => kind === 'rate'),
      statLines: STAT_LINES,
    }
  }
  const all = [...LINES, ...CLIENT_LINES, ...ARCHIVE_LINES, ...STAT_LINES]
  for (const name of names) {
    if (!all.some(line => matches(line, name))) {
      throw new Error(`no line named ${name}; there are ${all.map(line => line.name).join(', ')}`)
    }
  }
  const isNamed = (line: { readonly name: string }): boolean => names.some(name => matches(line, name))
  return {
    lines: LINES.filter(isNamed),
    clientLines: CLIENT_LINES.filter(isNamed),
    archiveLines: ARCHIVE_LINES.filter(isNamed),
    statLines: STAT_LINES.filter(isNamed),
  }
}

function matches(line: { readonly name: string }, name: string): boolean {
  return line.name === name || line.name.startsWith(`${name}-`)
}
