/*
 * Fuzzing: `npm run fuzz -- [--runs N] [--seed S] [--only TARGET[,TARGET]] [--from N] [--list]`. Ten million inputs over all
 * targets unless --runs says otherwise; each target in a process of its own with a small heap, so that one that grows ends.
 */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import { campaign, type CampaignOptions, Finding, type Report } from './campaign.ts'
import { TARGETS } from './targets/index.ts'

const DEFAULT_RUNS = 10_000_000
const HEAP_MIB = 256
const PROGRESS_MS = 5000
const CHILD = 'FUZZ_TARGET'

interface Job extends CampaignOptions {
  target: string
}

interface Message {
  report?: Report
  /** What a fault looks like, and how to have it again. */
  finding?: string
  done?: number
}

function tell(message: Message): void {
  process.send?.(message)
}

/** In the child: one target. */
async function work(job: Job): Promise<void> {
  const target = await TARGETS[job.target]?.make()
  if (target === undefined) throw new Error(`there is no target ${job.target}`)
  let last = performance.now()
  const progress = (done: number): void => {
    if (performance.now() - last < PROGRESS_MS) return
    last = performance.now()
    tell({ done })
  }
  try {
    tell({ report: await campaign(target, { ...job, progress }) })
  } catch (error) {
    if (!(error instanceof Finding)) throw error
    tell({ finding: error.message })
    process.exitCode = 1
  } finally {
    await target.close?.()
    process.disconnect()
  }
}

/** In the parent: gives the report, or undefined when a fault was shown. */
function run(job: Job): Promise<Report | undefined> {
  const child = fork(fileURLToPath(import.meta.url), [], {
    execArgv: [`--max-old-space-size=${HEAP_MIB}`, '--import', 'tsx'],
    env: { ...process.env, [CHILD]: JSON.stringify(job) },
  })
  return new Promise(resolve => {
    let report: Report | undefined
    let finding: string | undefined
    let done = 0
    child.on('message', message => {
      // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is this file on the other side, too
      const told = message as Message
      report ??= told.report
      finding ??= told.finding
      done = told.done ?? done
      if (told.done !== undefined && process.stderr.isTTY) {
        process.stderr.write(`\r\x1b[K${job.target}: ${done} of ${job.runs}`)
      }
    })
    child.on('exit', (code, signal) => {
      if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
      if (finding !== undefined) say(finding)
      else if (report === undefined || code !== 0) {
        const from = (job.from ?? 0) + done
        say(
          `${job.target}: its process ended with ${signal ?? code} behind input ${from} of seed ${job.seed}`,
        )
        report = undefined
      }
      resolve(report)
    })
  })
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function number(text: string | undefined, fallback: number, flag: string): number {
  const value = text === undefined ? fallback : Number(text.replaceAll('_', ''))
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${flag} is to be a whole number`)
  return value
}

/** So many inputs for each that is chosen, by its share. */
function jobs(names: readonly string[], runs: number): { target: string; runs: number }[] {
  const shares = names.map(name => {
    const target = TARGETS[name]
    if (target === undefined) throw new Error(`there is no target ${name}: --list shows them`)
    return target.share
  })
  const all = shares.reduce((sum, share) => sum + share, 0)
  return names.map((target, i) => ({ target, runs: Math.ceil((runs * (shares[i] ?? 0)) / all) }))
}

function show(reports: readonly Report[]): void {
  const table = new Table({
    head: ['target', 'inputs', 'a second', 'accepted', 'rejected', 'slowest', 'peak MiB'],
  })
  for (const { target, runs, accepted, rejected, ms, slowestMs, peakBytes } of reports) {
    const rate = Math.round((runs / ms) * 1000)
    table.push([
      target,
      runs,
      rate,
      accepted,
      rejected,
      `${slowestMs.toFixed(0)} ms`,
      (peakBytes / 2 ** 20).toFixed(0),
    ])
  }
  say(table.toString())
  const inputs = reports.reduce((sum, report) => sum + report.runs, 0)
  const seconds = reports.reduce((sum, report) => sum + report.ms, 0) / 1000
  say(`${inputs} inputs in ${seconds.toFixed(0)} s`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string' },
      seed: { type: 'string' },
      only: { type: 'string' },
      from: { type: 'string' },
      list: { type: 'boolean' },
    },
  })
  const names = values.only?.split(',') ?? Object.keys(TARGETS)
  if (values.list === true) return say(names.join('\n'))
  const seed = number(values.seed ?? process.env['SEED'], Date.now() % 1_000_000_007, 'seed')
  say(`SEED=${seed}`)
  const reports: Report[] = []
  for (const job of jobs(names, number(values.runs, DEFAULT_RUNS, 'runs'))) {
    const report = await run({ ...job, seed, from: number(values.from, 0, 'from') })
    if (report === undefined) process.exitCode = 1
    else reports.push(report)
    if (report !== undefined) process.stderr.write(`${job.target}: ${report.runs} inputs\n`)
  }
  show(reports)
}

const job = process.env[CHILD]
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- written by `run`
if (job !== undefined) await work(JSON.parse(job) as Job)
else await main()
