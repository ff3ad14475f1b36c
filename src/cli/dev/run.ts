import { rmSync } from 'node:fs'
import { errorText } from '../../util/errors.ts'
import { loadPainter } from '../colour.ts'
import type { Context } from '../command.ts'
import type { DevOptions } from '../commands/dev.ts'
import { aborted, daemonLogger } from '../daemon.ts'
import { oneLine } from '../escape.ts'
import { untilHangup } from '../hangup.ts'
import { Cluster } from './cluster.ts'
import { runShell } from './exec.ts'
import { makeOffer } from './offer.ts'
import { banner, clusterEnvironment, clusterValues, readyLine } from './report.ts'
import { parseTopicSpec } from './topic-spec.ts'

export async function runDev(context: Context<DevOptions>): Promise<number> {
  const { options, env } = context
  const cluster = await Cluster.start({
    nsqds: options.nsqds,
    lookupds: options.lookupds,
    admin: options.admin,
    dataPath: options.dataPath,
    topics: options.topic.map(parseTopicSpec),
    logger: name => daemonLogger(`[${name}] `, options.logLevel, context),
  })
  const withdraw = offer(cluster, context)
  // Also where a second signal ends the process without closing anything.
  const removeData = (): void => {
    withdraw()
    if (cluster.isTemporary) rmSync(cluster.dataPath, { recursive: true, force: true })
  }
  process.once('exit', removeData)
  const { signal, release } = untilHangup(context)
  try {
    await announce(cluster, context)
    if (options.exec !== undefined) {
      // A context that the user has named is of another NSQ than this one.
      const here = { ...env, NSQ_CONTEXT: undefined, ...clusterEnvironment(cluster) }
      return await runShell(options.exec, here, signal)
    }
    await aborted(signal)
    return 0
  } finally {
    release()
    withdraw()
    await cluster.close()
    process.removeListener('exit', removeData)
    removeData()
  }
}

/** Nobody depends on it: where it cannot be made, addresses are given. */
function offer(cluster: Cluster, { env, cwd, stderr, program }: Context<DevOptions>): () => void {
  try {
    return makeOffer(env, cwd(), clusterValues(cluster))
  } catch (error) {
    stderr.line(
      `${program}: other commands will not find it without an address: ${oneLine(errorText(error))}`,
    )
    return () => {}
  }
}

/** The command of --exec owns stdout; what is for people then goes to stderr, and only to a terminal. */
async function announce(cluster: Cluster, context: Context<DevOptions>): Promise<void> {
  const { options, env, stdout, stderr } = context
  if (options.json) {
    stdout.line(readyLine(cluster))
    return
  }
  const output = options.exec === undefined ? stdout : stderr
  if (options.exec !== undefined && !stderr.isTerminal) return
  const painter = await loadPainter(output.colour)
  const command = env['npm_command'] === 'exec' ? 'npx nsq-ts' : 'nsq-ts'
  output.line(await banner(cluster, { painter, command, elapsedMs: performance.now() }))
}
