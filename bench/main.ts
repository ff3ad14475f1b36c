/**
 * `npm run bench`: measures nsqd against bare sockets, our client against nsqjs, archive against its disk, how long a
 * refresh of stat takes, and prints tables. See docs/performance.md.
 */
import { cpus, release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { ARCHIVE_LINES } from './archive/lines.ts'
import {
  type ArchiveMemoryResult,
  type ArchiveResult,
  measureArchive,
  measureArchiveMemory,
} from './archive/measure.ts'
import { archiveMemoryTable, archiveTables } from './archive/table.ts'
import { FULL, QUICK } from './contestants.ts'
import { choose } from './choose.ts'
import { CLIENT_LINES } from './client/lines.ts'
import { type ClientResult, measureClients } from './client/measure.ts'
import { clientTables } from './client/table.ts'
import { LINES } from './lines.ts'
import { type LineResult, measure } from './measure.ts'
import { STAT_LINES } from './stat/lines.ts'
import { measureStat, type StatResult } from './stat/measure.ts'
import { statTable } from './stat/table.ts'
import { memoryTable, rateTable } from './table.ts'

const HELP = `Usage: npm run bench -- [OPTIONS]

  --only NAME      Measure only this line, or those whose names begin with NAME- (give it once for each);
                   client: our client and nsqjs; archive: archive; stat: stat
  --quick          Short rounds, fewer of them
  --rounds N       Rounds for each line, after the warm-up; default 5, with --quick 3
  --json           Print everything that was measured as JSON
  --profile DIR    Leave a CPU profile of our nsqd for each line in DIR, for those of archive of each of its
                   processes; see bench/profile.ts

NSQD=PATH measures another nsqd in the same rounds; NSQ_BIN=DIR the official nsq_to_file there beside archive.

Lines of nsqd: ${LINES.map(line => line.name).join(', ')}
Lines of clients: ${CLIENT_LINES.map(line => line.name).join(', ')}
Lines of archive: ${ARCHIVE_LINES.map(line => line.name).join(', ')}
Lines of stat: ${STAT_LINES.map(line => line.name).join(', ')}
`

const { values } = parseArgs({
  options: {
    only: { type: 'string', multiple: true, default: [] },
    quick: { type: 'boolean', default: false },
    rounds: { type: 'string' },
    json: { type: 'boolean', default: false },
    profile: { type: 'string', default: '' },
    help: { type: 'boolean', default: false },
  },
})

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

if (values.help) process.stdout.write(HELP)
else await run()

async function run(): Promise<void> {
  const { lines, clientLines, archiveLines, statLines } = choose(values.only)
  const options = {
    rounds: Number(values.rounds ?? (values.quick ? 3 : 5)),
    scale: values.quick ? QUICK : FULL,
    peer: process.env['NSQD'] ?? '',
    officialBin: process.env['NSQ_BIN'] ?? '',
    profile: values.profile,
  }
  const results: LineResult[] = []
  for (const line of lines) {
    process.stderr.write(`${line.name} …\n`)
    results.push(await measure(line, options))
  }
  const clients: ClientResult[] = []
  for (const line of clientLines) {
    process.stderr.write(`${line.name} …\n`)
    clients.push(await measureClients(line, options))
  }
  const archives: ArchiveResult[] = []
  const archiveMemory: ArchiveMemoryResult[] = []
  for (const line of archiveLines) {
    process.stderr.write(`${line.name} …\n`)
    if (line.kind === 'rate') archives.push(await measureArchive(line, options))
    else archiveMemory.push(await measureArchiveMemory(line, options))
  }
  const stats: StatResult[] = []
  for (const line of statLines) {
    process.stderr.write(`${line.name} …\n`)
    stats.push(await measureStat(line, options))
  }
  const machine = { cpus: cpus().length, node: process.version, system: `${type()} ${release()}` }
  if (values.json) {
    process.stdout.write(
      `${JSON.stringify({ machine, results, clients, archives, archiveMemory, stats }, undefined, 2)}\n`,
    )
    return
  }
  process.stdout.write(`${machine.cpus} processors, Node ${machine.node}, ${machine.system}\n\n`)
  const tables = [
    rateTable(results),
    memoryTable(results),
    ...clientTables(clients),
    ...archiveTables(archives),
    archiveMemoryTable(archiveMemory),
    statTable(stats),
  ]
  process.stdout.write(tables.filter(text => text !== '').join('\n'))
}
