import { randomInt } from 'node:crypto'
import { resolveConnectionOptions } from '../../client/options.ts'
import { NsqError } from '../../util/errors.ts'
import { sources, withSources } from '../addresses.ts'
import { producerOptions } from '../client-options.ts'
import type { Context } from '../command.ts'
import type { BenchOptions } from '../commands/bench.ts'
import { ExitCode } from '../errors.ts'
import { untilHangup } from '../hangup.ts'
import { checkTopic } from '../names.ts'
import { showStatusLine } from '../status-line.ts'
import { measureCeiling } from './ceiling.ts'
import { realClock } from './clock.ts'
import type { Job, Result } from './job.ts'
import { type Dial, openLines } from './receivers.ts'
import { CSV_NAMES, csvLine, type Measured, printReport, record, remarks } from './report.ts'
import { runs } from './runs.ts'
import { Server } from './server.ts'
import { loads } from './settings.ts'

/** How long nothing may come before what is missing is taken for lost. */
const PATIENCE_MS = 10_000

export async function runBench(
  context: Context<BenchOptions>,
  patienceMs: number = PATIENCE_MS,
): Promise<number> {
  const { signal, release } = untilHangup(context)
  try {
    return await measureAll({ ...context, signal }, patienceMs)
  } finally {
    release()
  }
}

async function measureAll(context: Context<BenchOptions>, patienceMs: number): Promise<number> {
  const { options, positionals, stdout, stderr, program, signal } = context
  const planned = loads(options, positionals)
  if (options.topic !== undefined) checkTopic(options.topic)
  const connection = resolveConnectionOptions(await producerOptions(options, []))
  const server = await Server.find(options, connection.tls, signal)
  const dial = { address: server.address, options: connection, signal }
  // What cannot be is said before anything is measured.
  await withSources(sources(options), probe(dial))
  for (const { mode } of planned) server.place(mode)

  const say = (text: string): void => stderr.line(`${program}: ${text}`)
  let show: (() => string) | undefined
  const status = await showStatusLine(stderr, 'connecting', () => show?.())
  const all: Measured[] = []
  if (options.csv) stdout.line(CSV_NAMES.join(','))
  try {
    for (const load of planned) {
      if (signal.aborted) break
      const { address } = server
      const { topic, channel } = server.place(load.mode)
      const job: Job = {
        load,
        dial,
        topic,
        channel,
        run: randomInt(2 ** 32),
        signal,
        clock: realClock,
        patienceMs,
        show: text => (show = text),
      }
      const result = await runOnce(server, job, say)
      if (result === undefined) break
      const ceiling = options.ceiling && !signal.aborted ? await measureCeiling(job) : undefined
      const measured = { result, ceiling }
      all.push(measured)
      if (options.json) status.above(() => stdout.line(JSON.stringify(record(address, measured))))
      if (options.csv) status.above(() => stdout.line(csvLine(address, measured)))
    }
  } finally {
    status.hide()
    // Also what was measured before something went wrong.
    if (!options.json && !options.csv) await printReport(context, server.address, all)
    for (const text of all.flatMap(remarks)) say(text)
  }
  if (all.length === 0) say('stopped before anything was measured')
  return all.some(hasFailed) ? ExitCode.failed : ExitCode.done
}

/** Who was stopped has not waited for every answer. */
function hasFailed({ result: { lost = 0, unanswered, isWhole } }: Measured): boolean {
  return lost > 0 || (isWhole && unanswered > 0)
}

/** Throws what a connection fails with. */
async function probe(dial: Dial): Promise<void> {
  for (const line of await openLines(1, dial)) line.destroy()
}

/** Undefined when a signal came before there was anything to measure. What the run has made is gone in the end. */
async function runOnce(server: Server, job: Job, say: (text: string) => void): Promise<Result | undefined> {
  const { load, topic, signal } = job
  try {
    const { acknowledged, ...result } = await runs[load.mode](job)
    if (result.seconds === 0) return undefined
    if (load.mode !== 'pub' || !server.isOwn(topic)) return result
    const depth = await server.depth(topic)
    return depth === undefined ? result : { ...result, lost: Math.max(0, acknowledged - depth) }
  } catch (error) {
    // A connection that was not there yet.
    if (signal.aborted) return undefined
    throw explained(error)
  } finally {
    job.show(() => 'deleting the topic')
    const staying = await server.leave(job)
    if (staying !== undefined) say(staying)
  }
}

/** A refusal that is due to how the run was asked for. */
function explained(error: unknown): unknown {
  if (!(error instanceof NsqError) || !/^E_BAD_(MESSAGE|BODY)$/.test(error.code)) return error
  return new NsqError(error.code, error.message, {
    cause: error,
    remedy: "Lower --size or --batch: nsqd's limits are its --max-msg-size and --max-body-size.",
  })
}
