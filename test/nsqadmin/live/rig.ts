import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import type { TestContext } from 'node:test'
import { Cluster } from '../../../src/cluster/cluster.ts'
import { closeHttpServer, createHttpServer } from '../../../src/http/server.ts'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import { type Live, liveRoutes } from '../../../src/nsqadmin/live/routes.ts'
import { resolveNsqadminOptions } from '../../../src/nsqadmin/options.ts'
import type {
  ChannelUpdate,
  CounterUpdate,
  Failed,
  Missing,
  NodesUpdate,
  NodeUpdate,
  Ready,
  TopicsUpdate,
  TopicUpdate,
  WatchedMessages,
} from '../../../src/nsqadmin/live-types.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { Daemons, http as httpAddress } from '../../client/daemons.ts'
import { until } from '../../support/wait.ts'

const logger = new Logger({ prefix: '', level: LogLevel.fatal })

/** The daemons of a test, which go when it ends. */
export function daemonsOf(t: TestContext): Daemons {
  const daemons = new Daemons()
  t.after(() => daemons.close())
  return daemons
}

export interface Where {
  lookupds?: string[]
  nsqds?: (string | Nsqd)[]
  pollInterval?: number
}

/** The live part of an nsqadmin, behind an HTTP server of its own. */
export class LiveRig {
  readonly live: Live
  readonly url: string
  readonly #t: TestContext

  private constructor(t: TestContext, live: Live, url: string) {
    this.#t = t
    this.live = live
    this.url = url
  }

  static async start(
    t: TestContext,
    { lookupds = [], nsqds = [], pollInterval = 100 }: Where,
  ): Promise<LiveRig> {
    const nsqdAddresses = nsqds.map(nsqd => (typeof nsqd === 'string' ? nsqd : httpAddress(nsqd)))
    const addresses = { lookupdHttpAddress: lookupds, nsqdHttpAddress: nsqdAddresses }
    const options = resolveNsqadminOptions({ ...addresses, pollInterval })
    const live = liveRoutes({ options, logger, cluster: new Cluster({ lookupds, nsqds: nsqdAddresses }) })
    const server = createHttpServer({ routes: live.routes, logger })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(async () => {
      live.close()
      await closeHttpServer(server, 100)
    })
    live.start()
    const address = server.address()
    assert.ok(address !== null && typeof address === 'object')
    return new LiveRig(t, live, `http://127.0.0.1:${address.port}`)
  }

  /** Opens a stream, and waits for its head. */
  async stream(path: string): Promise<EventReader> {
    const request = http.get(`${this.url}${path}`, { agent: false })
    this.#t.after(() => request.destroy())
    const [response]: IncomingMessage[] = await once(request, 'response')
    assert.ok(response !== undefined)
    return new EventReader(request, response)
  }

  async get(path: string): Promise<Answer> {
    return answer(await fetch(`${this.url}${path}`))
  }

  async post(path: string, body: unknown): Promise<Answer> {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    return answer(await fetch(`${this.url}${path}`, { method: 'POST', body: text }))
  }
}

export interface Answer {
  status: number
  body: unknown
}

async function answer(response: Response): Promise<Answer> {
  return { status: response.status, body: await response.json() }
}

/** The code, or the sentence, of a refusal. */
export function messageOf({ body }: Answer): string {
  assert.ok(typeof body === 'object' && body !== null && 'message' in body)
  return String(body.message)
}

/** What comes with each event. */
interface Events {
  topics: TopicsUpdate
  topic: TopicUpdate
  channel: ChannelUpdate
  nodes: NodesUpdate
  node: NodeUpdate
  counter: CounterUpdate
  missing: Missing
  failed: Failed
  ready: Ready
  messages: WatchedMessages
}

interface ReceivedEvent {
  event: string
  data: unknown
}

/** Reads server-sent events. */
export class EventReader {
  readonly response: IncomingMessage
  readonly events: ReceivedEvent[] = []
  hasEnded = false
  readonly #request: http.ClientRequest
  #rest = ''

  constructor(request: http.ClientRequest, response: IncomingMessage) {
    this.#request = request
    this.response = response
    request.on('error', () => {})
    response.setEncoding('utf8')
    response.on('data', (text: string) => this.#read(text))
    response.on('error', () => {})
    response.on('close', () => (this.hasEnded = true))
  }

  close(): void {
    this.#request.destroy()
  }

  of<E extends keyof Events>(event: E): Events[E][] {
    // The tests compare what is in there.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- see above
    return this.events.filter(each => each.event === event).map(({ data }) => data as Events[E])
  }

  /** The first event of this name that is as wanted, of those that have come and are to come. */
  async next<E extends keyof Events>(
    event: E,
    isWanted: (data: Events[E]) => boolean = () => true,
  ): Promise<Events[E]> {
    const found = (): Events[E] | undefined => this.of(event).find(isWanted)
    await until(
      () => found() !== undefined,
      () => `${event} ${isWanted.toString()} in ${JSON.stringify(this.events.slice(-5)).slice(0, 3000)}`,
    )
    const data = found()
    assert.ok(data !== undefined)
    return data
  }

  #read(text: string): void {
    const parts = (this.#rest + text).split('\n\n')
    this.#rest = parts.pop() ?? ''
    for (const part of parts) {
      const [, event, data] = /^event: (.*)\ndata: ([^\n]*)$/.exec(part) ?? []
      if (event !== undefined && data !== undefined) this.events.push({ event, data: JSON.parse(data) })
    }
  }
}

/** Publishes over HTTP. */
export async function publish(nsqd: Nsqd, topic: string, ...bodies: (string | Buffer)[]): Promise<void> {
  await nsqd.publish(
    topic,
    bodies.map(body => Buffer.from(body)),
    0,
  )
}
