/** `npm run bench`: measures everything in ./families.ts and prints tables. See docs/performance.md. */
import { cpus, release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { errorText } from '../src/util/errors.ts'
import { choose, parseRounds } from './choose.ts'
import { FULL, QUICK } from './contestants.ts'
import { FAMILIES } from './families.ts'
import type { BenchOptions } from './family.ts'
import { type Finding, findingsTable } from './finding.ts'
import { describe, GUARDED, regressions } from './guard.ts'

const HELP = `Usage: npm run bench -- [OPTIONS]

  --only NAME      Measure only this line, or those whose names begin with NAME- (give it once for each)
  --quick          Short rounds, fewer of them. Without --only: those lines alone whose ratio to the ceiling must
                   not fall, and status 1 when one has; see bench/guard.ts
  --rounds N       Rounds for each line, after the warm-up; default 5, with --quick 3
  --json           Print everything that was measured as JSON
  --profile DIR    Leave a CPU profile of our nsqd for each line in DIR, for those of archive of each of its
                   processes; see bench/profile.ts

NSQD=PATH measures another nsqd in the same rounds; NSQ_BIN=DIR the official tools there beside ours.

Lines:
${FAMILIES.map(({ name, lines }) => `  ${name}: ${lines.map(line => line.name).join(', ')}`).join('\n')}
`

const { values, names, rounds } = readArguments()

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

if (values.help) process.stdout.write(HELP)
else await run()

async function run(): Promise<void> {
  const isGuard = values.quick && values.only.length === 0
  const options: BenchOptions = {
    rounds,
    scale: values.quick ? QUICK : FULL,
    peer: process.env['NSQD'] ?? '',
    officialBin: process.env['NSQ_BIN'] ?? '',
    profile: values.profile,
  }
  const { findings, measured, tables } = await measureAll(new Set(names), options)
  const machine = {
    processor: cpus()[0]?.model,
    cpus: cpus().length,
    node: process.version,
    system: `${type()} ${release()}`,
  }
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ machine, findings, ...measured }, undefined, 2)}\n`)
  } else {
    process.stdout.write(
      `${machine.cpus} × ${machine.processor}, Node ${machine.node}, ${machine.system}\n\n`,
    )
    process.stdout.write([findingsTable(findings), ...tables].join('\n'))
  }
  if (isGuard) await guard(findings, options)
}

/** What is no argument of ours is said in a line, and ends this with status 2. */
function readArguments() {
  try {
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
    const { quick, only } = values
    const all = FAMILIES.flatMap(({ lines }) => lines)
    const names = choose(all, quick && only.length === 0 ? GUARDED : only).map(({ name }) => name)
    return { values, names, rounds: parseRounds(values.rounds ?? (quick ? '3' : '5')) }
  } catch (error) {
    process.stderr.write(`bench: ${errorText(error)}\nTry --help.\n`)
    return process.exit(2)
  }
}

async function measureAll(names: ReadonlySet<string>, options: BenchOptions) {
  const findings: Finding[] = []
  const measured: Record<string, readonly unknown[]> = {}
  const tables: string[] = []
  for (const family of FAMILIES) {
    const outcome = await family.run(names, options, name => process.stderr.write(`${name} …\n`))
    findings.push(...outcome.findings)
    measured[family.name] = outcome.results
    tables.push(...outcome.tables.filter(text => text !== ''))
  }
  return { findings, measured, tables }
}

/** What is too slow is measured once more: something else may have kept the machine busy. */
async function guard(findings: readonly Finding[], options: BenchOptions): Promise<void> {
  const slow = regressions(findings)
  if (slow.length === 0) return
  const again = await measureAll(new Set(slow.map(({ name }) => name)), {
    ...options,
    rounds: 2 * options.rounds,
  })
  const still = regressions(again.findings)
  if (still.length === 0) return
  process.stderr.write(`Slower than it was:\n${still.map(finding => `  ${describe(finding)}\n`).join('')}`)
  process.exitCode = 1
}
