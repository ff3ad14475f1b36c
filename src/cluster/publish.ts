import { HttpRequestError, request } from '../http/request.ts'
import { mpub } from '../protocol/command.ts'
import { errorText, NsqError } from '../util/errors.ts'
import { nodeNotFound } from './actions.ts'
import { noAnswer, toNsqError } from './answers.ts'
import { type AskOptions, baseUrl } from './ask.ts'
import type { Cluster } from './cluster.ts'

export interface PublishOptions {
  /** The nsqd that gets them, as in `nodes()`. */
  node?: string
  /** Delivered so many milliseconds later. */
  deferMs?: number
}

export interface Publication extends PublishOptions {
  topic: string
  bodies: readonly Buffer[]
}

export interface Published {
  node: string
}

/** See `Cluster.publish`. */
export async function publish(
  cluster: Cluster,
  publication: Publication,
  options: AskOptions,
): Promise<Published> {
  const nodes = await candidates(cluster, publication)
  const failures: NsqError[] = []
  for (const node of nodes) {
    try {
      await publishTo(cluster.addressOf(node), publication, options)
      return { node }
    } catch (error) {
      // What one has refused, or may have got, is not for the next one.
      if (!(error instanceof HttpRequestError) || !error.isUnsent) throw error
      failures.push(toNsqError(error, 'nsqd', node))
    }
  }
  if (failures.length > 0) throw noAnswer('nsqd', failures)
  throw new NsqError('E_CLUSTER', 'there is no nsqd to publish to', {
    remedy: 'Start an nsqd that knows these nsqlookupds (--lookupd-tcp-address).',
  })
}

/** Whom to try, one after the other. A node that is not of the cluster is not asked at all. */
async function candidates(cluster: Cluster, { topic, node }: Publication): Promise<string[]> {
  if (node === undefined) {
    const producers = (await cluster.producersOf(topic)).value
    const nodes =
      producers.length > 0 ? producers : (await cluster.nodes()).value.filter(({ error }) => !error)
    return shuffled(nodes.map(each => each.node))
  }
  const known = (await cluster.nodes()).value.map(each => each.node)
  if (!known.includes(node)) throw nodeNotFound(node, known)
  return [node]
}

async function publishTo(
  address: string,
  { topic, bodies, deferMs = 0 }: Publication,
  options: AskOptions,
): Promise<void> {
  const query = new URLSearchParams({ topic, ...(deferMs > 0 ? { defer: String(deferMs) } : {}) })
  const [first] = bodies
  if (deferMs > 0 || bodies.length === 1) {
    // There is no MPUB that defers.
    for (const [published, body] of bodies.entries()) {
      try {
        await send(`${baseUrl(address)}/pub?${query.toString()}`, body, options)
      } catch (error) {
        throw published === 0 ? error : partly(error, published, bodies.length)
      }
    }
  } else if (first !== undefined) {
    query.set('binary', 'true')
    await send(`${baseUrl(address)}/mpub?${query.toString()}`, mpubBody(bodies), options)
  }
}

/** Whoever publishes again should know that it is not all to be published again. */
function partly(error: unknown, published: number, all: number): NsqError {
  const message = `${published} of ${all} messages were published; ${errorText(error)}`
  return new NsqError('E_CLUSTER', message, { cause: error })
}

/** What follows the line and the size in the command of the same name. */
function mpubBody(bodies: readonly Buffer[]): Buffer {
  return mpub('', bodies).subarray('MPUB \n'.length + 4)
}

/** These two answer `OK` as text, refusals as JSON. */
async function send(url: string, body: Buffer, options: AskOptions): Promise<void> {
  const reply = await request('POST', url, { ...options, body })
  const said = reply.body.toString()
  if (reply.status === 200 && said === 'OK') return
  const code = /"(?:message|status_txt)"\s*:\s*"(\w+)"/.exec(said)?.[1]
  throw new HttpRequestError('E_HTTP_STATUS', `${url} answered ${reply.status} ${code ?? 'without OK'}`, {
    status: reply.status,
    ...(code === undefined ? {} : { reply: code }),
  })
}

function shuffled<T>(items: readonly T[]): T[] {
  const keyed = items.map(item => ({ item, key: Math.random() }))
  return keyed.sort((a, b) => a.key - b.key).map(({ item }) => item)
}
