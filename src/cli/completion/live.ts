/**
 * Names and addresses of the cluster that the command line means. A shell waits for them, so that they take little time or
 * are left out, and nothing is said of what goes wrong.
 */
import type { Cluster } from '../../cluster/cluster.ts'
import { isValidTopicName } from '../../protocol/names.ts'
import { parseDuration } from '../../util/duration.ts'
import type { Context } from '../command.ts'
import type { Typed } from './typed.ts'

type Around = Pick<Context, 'env' | 'signal' | 'cwd'>

/** Most users wait no longer for the Tab key; who is far from the cluster can say otherwise. */
const PATIENCE_MS = 700
const PATIENCE = 'NSQ_COMPLETION_TIMEOUT'
/** More are of no use to anybody who reads them. */
const MOST = 1000

export function topicNames(typed: Typed, around: Around): Promise<string[]> {
  return ask(typed, around, async cluster => names((await cluster.topics()).value))
}

/** Those of the topics that were typed; of all, when there are none. */
export function channelNames(typed: Typed, around: Around): Promise<string[]> {
  return ask(typed, around, async cluster => {
    const topics = typed.given['topic']?.flatMap(text => text.split(',')) ?? typed.positionals.slice(0, 1)
    if (topics.length > 0) {
      const found = await Promise.all(topics.map(topic => cluster.channels(topic)))
      return names(found.flatMap(({ value }) => value))
    }
    const { value } = await cluster.stats()
    return names(
      value.flatMap(({ topics }) => topics.flatMap(({ channels }) => channels.map(({ name }) => name))),
    )
  })
}

/** The nsqds that nsqlookupd knows; without one, where an nsqd usually is. */
export async function nodeAddresses(kind: 'tcp' | 'http', typed: Typed, around: Around): Promise<string[]> {
  const own = kind === 'tcp' ? 'nsqd-tcp-address' : 'nsqd-http-address'
  const { [own]: _, ...given } = typed.given
  const found = await ask({ ...typed, given }, around, async cluster => {
    if (cluster.lookupds.length === 0) return []
    const { value } = await cluster.nodes()
    return value.map(({ node, tcpAddress }) => (kind === 'tcp' ? tcpAddress : node)).filter(isAddress)
  })
  return found.length > 0 ? found.slice(0, MOST) : [kind === 'tcp' ? '127.0.0.1:4150' : '127.0.0.1:4151']
}

/** Resolves in time, with nothing when the daemons do not answer or the flags make no sense. */
async function ask(
  typed: Typed,
  { env, signal, cwd }: Around,
  question: (cluster: Cluster) => Promise<string[]>,
): Promise<string[]> {
  const stop = new AbortController()
  const patience = patienceOf(env)
  let timer: NodeJS.Timeout | undefined
  // Looking up a name cannot be given up, so that its end is not waited for.
  const late = new Promise<string[]>(resolve => (timer = setTimeout(() => resolve([]), patience)))
  const answer = async (): Promise<string[]> => {
    const { clusterOf } = await import('./typed-cluster.ts')
    const around = { env, cwd, signal: AbortSignal.any([signal, stop.signal]) }
    return question(await clusterOf(typed, around, patience))
  }
  try {
    return await Promise.race([answer(), late])
  } catch {
    return []
  } finally {
    clearTimeout(timer)
    stop.abort()
  }
}

function patienceOf(env: Context['env']): number {
  try {
    return parseDuration(env[PATIENCE] ?? '')
  } catch {
    return PATIENCE_MS
  }
}

/** What a daemon says is put on a command line: nothing but names. */
function names(found: readonly string[]): string[] {
  return [...new Set(found)].filter(isValidTopicName).sort().slice(0, MOST)
}

function isAddress(text: string): boolean {
  return /^[\w.[\]:-]+:\d+$/.test(text)
}
