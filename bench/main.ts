/** `npm run bench`: measures everything in ./families.ts and prints tables. See docs/performance.md. */
import { cpus, release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { choose } from './choose.ts'
import { FULL, QUICK } from './contestants.ts'
import { FAMILIES } from './families.ts'
import type { BenchOptions } from './family.ts'

const HELP = `Usage: npm run bench -- [OPTIONS]

  --only NAME      Measure only this line, or those whose names begin with NAME- (give it once for each)
  --quick          Short rounds, fewer of them
  --rounds N       Rounds for each line, after the warm-up; default 5, with --quick 3
  --json           Print everything that was measured as JSON
  --profile DIR    Leave a CPU profile of our nsqd for each line in DIR, for those of archive of each of its
                   processes; see bench/profile.ts

NSQD=PATH measures another nsqd in the same rounds; NSQ_BIN=DIR the official tools there beside ours.

Lines:
${FAMILIES.map(({ name, lines }) => `  ${name}: ${lines.map(line => line.name).join(', ')}`).join('\n')}
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
  const all = FAMILIES.flatMap(({ lines }) => lines)
  const names = new Set(choose(all, values.only).map(({ name }) => name))
  const options: BenchOptions = {
    rounds: Number(values.rounds ?? (values.quick ? 3 : 5)),
    scale: values.quick ? QUICK : FULL,
    peer: process.env['NSQD'] ?? '',
    officialBin: process.env['NSQ_BIN'] ?? '',
    profile: values.profile,
  }
  const machine = { cpus: cpus().length, node: process.version, system: `${type()} ${release()}` }
  const measured: Record<string, readonly unknown[]> = {}
  const tables: string[] = []
  for (const family of FAMILIES) {
    const outcome = await family.run(names, options, name => process.stderr.write(`${name} …\n`))
    measured[family.name] = outcome.results
    tables.push(...outcome.tables.filter(text => text !== ''))
  }
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ machine, ...measured }, undefined, 2)}\n`)
    return
  }
  process.stdout.write(`${machine.cpus} processors, Node ${machine.node}, ${machine.system}\n\n`)
  process.stdout.write(tables.join('\n'))
}
