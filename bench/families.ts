import { ARCHIVE_LINES, ARCHIVE_MEMORY_LINES } from './archive/lines.ts'
import { measureArchive, measureArchiveMemory } from './archive/measure.ts'
import { archiveMemoryTable, archiveTables } from './archive/table.ts'
import { CLIENT_LINES } from './client/lines.ts'
import { measureClients } from './client/measure.ts'
import { clientTables } from './client/table.ts'
import { defineFamily, type Family } from './family.ts'
import { FORWARD_LINES } from './forward/lines.ts'
import { measureForward } from './forward/measure.ts'
import { forwardTables } from './forward/table.ts'
import { LINES } from './lines.ts'
import { measure } from './measure.ts'
import { MIRROR_LINES } from './mirror/lines.ts'
import { measureMirror } from './mirror/measure.ts'
import { mirrorTables } from './mirror/table.ts'
import { START_LINES } from './start/lines.ts'
import { measureStart } from './start/measure.ts'
import { startTable } from './start/table.ts'
import { STAT_LINES } from './stat/lines.ts'
import { measureStat } from './stat/measure.ts'
import { statTable } from './stat/table.ts'
import { memoryTable, rateTable } from './table.ts'

/** Everything that is measured, in the order of the tables. */
export const FAMILIES: readonly Family[] = [
  defineFamily({
    name: 'nsqd',
    lines: LINES,
    measure,
    tables: results => [rateTable(results), memoryTable(results)],
  }),
  defineFamily({ name: 'clients', lines: CLIENT_LINES, measure: measureClients, tables: clientTables }),
  defineFamily({ name: 'archive', lines: ARCHIVE_LINES, measure: measureArchive, tables: archiveTables }),
  defineFamily({
    name: 'archiveMemory',
    lines: ARCHIVE_MEMORY_LINES,
    measure: measureArchiveMemory,
    tables: results => [archiveMemoryTable(results)],
  }),
  defineFamily({ name: 'mirror', lines: MIRROR_LINES, measure: measureMirror, tables: mirrorTables }),
  defineFamily({ name: 'forward', lines: FORWARD_LINES, measure: measureForward, tables: forwardTables }),
  defineFamily({
    name: 'stat',
    lines: STAT_LINES,
    measure: measureStat,
    tables: results => [statTable(results)],
  }),
  defineFamily({
    name: 'start',
    lines: START_LINES,
    measure: measureStart,
    tables: results => [startTable(results)],
  }),
]
