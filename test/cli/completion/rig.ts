import { setTimeout as sleep } from 'node:timers/promises'
import { Cluster as Asked } from '../../../src/cluster/cluster.ts'
import { commands } from '../../../src/cli/commands.ts'
import type { Answer } from '../../../src/cli/completion/answer.ts'
import { complete } from '../../../src/cli/completion/complete.ts'
import { Cluster } from '../../../src/cli/dev/cluster.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

type Environment = Readonly<Record<string, string>>

/** Where nothing listens: no daemon of this machine is to be asked by chance. */
export const NOWHERE = '127.0.0.1:1'
const AWAY: Environment = { NSQ_LOOKUPD_HTTP_ADDRESS: NOWHERE }

/** Asks with the words of a command line, the last one as far as it is typed; where there is no cluster unless `env` or a flag names one. */
export function ask(words: readonly string[], env: Environment = AWAY): Promise<Answer> {
  const { signal } = new AbortController()
  // A busy machine is not to look like daemons that are away.
  const patient = { NSQ_COMPLETION_TIMEOUT: '30s', ...env }
  return complete(words, commands, { env: patient, signal, cwd: () => '/' })
}

/** What `ask` offers, after `nsq-ts`. */
export async function offered(words: readonly string[], env?: Environment): Promise<string[]> {
  const { candidates } = await ask(['nsq-ts', ...words], env)
  return candidates.map(({ value }) => value)
}

/** A cluster with the topics `orders` (channels `billing` and `shipping`) and `events` (`mail#ephemeral`). */
export async function startCluster(): Promise<Cluster> {
  const cluster = await Cluster.start({
    nsqds: 1,
    lookupds: 1,
    dataPath: temporaryFolder(),
    topics: [
      { topic: 'orders', channels: ['billing', 'shipping'] },
      { topic: 'events', channels: ['mail#ephemeral'] },
    ],
    logger: prefix => new Logger({ prefix, level: LogLevel.fatal, write: () => {} }),
    ports: { nsqd: 0, lookupd: 0 },
  })
  // nsqlookupd hears of them a little later.
  const lookups = new Asked({ lookupds: cluster.lookupds.map(({ http }) => http), nsqds: [] })
  const known = async (): Promise<number> => {
    const topics = ['orders', 'events'].map(topic => lookups.channels(topic))
    return (await Promise.all(topics)).flatMap(({ value }) => value).length
  }
  while ((await known()) < 3) await sleep(10)
  return cluster
}
