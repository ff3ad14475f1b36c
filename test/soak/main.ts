/**
 * `npm run soak`: an hour of mixed load, or `MINUTES=5 npm run soak`. `RATE` is messages a second, `SEED` repeats a run's
 * choices. Ends with 1 when a message is lost, or when memory, descriptors, disk or latency have grown,
 * which takes five minutes at least to tell. SIGTERM ends it early, with a report of what there was.
 */
import { createWriteStream } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { seeded } from '../storage/random.ts'
import { report } from './report.ts'
import { soak } from './soak.ts'

/** In less time than this caches and retained messages are still filling up: what has grown is told, and fails nothing. */
const JUDGED_MINUTES = 5

const minutes = Number(process.env['MINUTES'] ?? 60)
const { seed } = seeded(text => process.stdout.write(`${text}\n`))
const path = join(tmpdir(), `soak-${seed}.csv`)
const file = createWriteStream(path)
const stop = new AbortController()
process.once('SIGTERM', () => stop.abort())
const result = await soak({
  seed,
  signal: stop.signal,
  ms: minutes * 60_000,
  rate: Number(process.env['RATE'] ?? 300),
  sampleMs: 5000,
  restartMs: 45_000,
  toolsMs: 60_000,
  csv: line => file.write(`${line}\n`),
})
file.end()
process.stdout.write(report(result))
process.stdout.write(`samples: ${path}\n`)
const failures = [...result.problems, ...(minutes < JUDGED_MINUTES ? [] : result.grown)]
process.exitCode = failures.length === 0 ? 0 : 1
