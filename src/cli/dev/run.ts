import { rmSync } from 'node:fs'
import { loadPainter } from '../colour.ts'
import type { Context } from '../command.ts'
import type { DevOptions } from '../commands/dev.ts'
import { aborted, daemonLogger } from '../daemon.ts'
import { Cluster } from './cluster.ts'
import { runShell } from './exec.ts'
import { banner, clusterEnvironment, readyLine } from './report.ts'
import { parseTopicSpec } from './topic-spec.ts'

export async function runDev(context: Context<DevOptions>): Promise<number> {
  const { options, signal, env } = context
  const cluster = await Cluster.start({
    nsqds: options.nsqds,
    lookupds: options.lookupds,
    admin: options.admin,
    dataPath: options.dataPath,
    topics: options.topic.map(parseTopicSpec),
    logger: name => daemonLogger(`[${name}] `, options.logLevel, context),
  })
  // Also where a second signal ends the process without closing anything.
  const removeData = (): void => {
    if (cluster.isTemporary) rmSync(cluster.dataPath, { recursive: true, force: true })
  }
  process.once('exit', removeData)
  try {
    await announce(cluster, context)
    if (options.exec !== undefined) {
      return await runShell(options.exec, { ...env, ...clusterEnvironment(cluster) }, signal)
    }
    await aborted(signal)
    return 0
  } finally {
    await cluster.close()
    process.removeListener('exit', removeData)
    removeData()
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
