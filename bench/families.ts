import { ARCHIVE_LINES, ARCHIVE_MEMORY_LINES } from './archive/lines.ts'
import { measureArchive, measureArchiveMemory } from './archive/measure.ts'
import { archiveFindings, archiveMemoryFindings, archiveMemoryTable, archiveTables } from './archive/table.ts'
import { CLIENT_LINES } from './client/lines.ts'
import { measureClients } from './client/measure.ts'
import { clientFindings, clientTables } from './client/table.ts'
import { DEFERRED_LINES } from './deferred/lines.ts'
import { defineFamily, type Family } from './family.ts'
import { FORWARD_LINES } from './forward/lines.ts'
import { measureForward } from './forward/measure.ts'
import { forwardFindings, forwardTables } from './forward/table.ts'
import { LATENCY_LINES } from './latency/lines.ts'
import { GROWTH_LINES } from './growth/lines.ts'
import { measureGrowth } from './growth/measure.ts'
import { growthFindings, growthTables } from './growth/table.ts'
import { LINES } from './lines.ts'
import { findingsOf, measure } from './measure.ts'
import { MIRROR_LINES } from './mirror/lines.ts'
import { measureMirror } from './mirror/measure.ts'
import { mirrorFindings, mirrorTables } from './mirror/table.ts'
import { RESTART_LINES } from './restart/lines.ts'
import { measureRestart } from './restart/measure.ts'
import { restartFindings, restartTable } from './restart/table.ts'
import { measurePaced } from './paced/measure.ts'
import { pacedFindings, pacedTable } from './paced/table.ts'
import { START_LINES } from './start/lines.ts'
import { measureStart } from './start/measure.ts'
import { startFindings } from './start/table.ts'
import { STAT_LINES } from './stat/lines.ts'
import { measureStat } from './stat/measure.ts'
import { statFindings, statTable } from './stat/table.ts'
import { processorTable } from './table.ts'
import { TOOL_LINES } from './tools/lines.ts'
import { measureTools } from './tools/measure.ts'
import { toolFindings, toolTables } from './tools/table.ts'
import { TOPICS_LINES } from './topics/lines.ts'
import { measureTopics } from './topics/measure.ts'
import { topicsFindings, topicsTables } from './topics/table.ts'

/** Everything that is measured, in the order of the tables. */
export const FAMILIES: readonly Family[] = [
  defineFamily({
    name: 'nsqd',
    lines: LINES,
    measure,
    findings: findingsOf,
    tables: results => [processorTable(results)],
  }),
  defineFamily({
    name: 'latency',
    lines: LATENCY_LINES,
    measure: measurePaced,
    findings: pacedFindings,
    tables: results => [pacedTable(results)],
  }),
  defineFamily({
    name: 'deferred',
    lines: DEFERRED_LINES,
    measure: measurePaced,
    findings: pacedFindings,
    tables: results => [pacedTable(results)],
  }),
  defineFamily({
    name: 'clients',
    lines: CLIENT_LINES,
    measure: measureClients,
    findings: clientFindings,
    tables: clientTables,
  }),
  defineFamily({
    name: 'tools',
    lines: TOOL_LINES,
    measure: measureTools,
    findings: toolFindings,
    tables: toolTables,
  }),
  defineFamily({
    name: 'archive',
    lines: ARCHIVE_LINES,
    measure: measureArchive,
    findings: archiveFindings,
    tables: archiveTables,
  }),
  defineFamily({
    name: 'archiveMemory',
    lines: ARCHIVE_MEMORY_LINES,
    measure: measureArchiveMemory,
    findings: archiveMemoryFindings,
    tables: results => [archiveMemoryTable(results)],
  }),
  defineFamily({
    name: 'mirror',
    lines: MIRROR_LINES,
    measure: measureMirror,
    findings: mirrorFindings,
    tables: mirrorTables,
  }),
  defineFamily({
    name: 'forward',
    lines: FORWARD_LINES,
    measure: measureForward,
    findings: forwardFindings,
    tables: forwardTables,
  }),
  defineFamily({
    name: 'stat',
    lines: STAT_LINES,
    measure: measureStat,
    findings: statFindings,
    tables: results => [statTable(results)],
  }),
  defineFamily({
    name: 'start',
    lines: START_LINES,
    measure: measureStart,
    findings: startFindings,
    tables: () => [],
  }),
  defineFamily({
    name: 'restart',
    lines: RESTART_LINES,
    measure: measureRestart,
    findings: restartFindings,
    tables: results => [restartTable(results)],
  }),
  defineFamily({
    name: 'topics',
    lines: TOPICS_LINES,
    measure: measureTopics,
    findings: topicsFindings,
    tables: topicsTables,
  }),
  defineFamily({
    name: 'growth',
    lines: GROWTH_LINES,
    measure: measureGrowth,
    findings: growthFindings,
    tables: growthTables,
  }),
]
