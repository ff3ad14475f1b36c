import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { identify, rdy, sub } from '../../src/protocol/command.ts'
import type { IdentifyRequest } from '../../src/protocol/identify.ts'
import type { Channel } from '../../src/nsqd/channel.ts'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import { type NsqdOptions, resolveNsqdOptions } from '../../src/nsqd/options.ts'
import type { Topic } from '../../src/nsqd/topic.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { RawClient } from './raw-client.ts'

export type Given = Partial<Parameters<typeof resolveNsqdOptions>[0]>

/** An nsqd in this process, on a data path that goes when the test ends. */
export class Running {
  readonly dataPath: string
  readonly log: string[] = []
  nsqd: Nsqd
  #given: Given
  readonly #clients: RawClient[] = []

  constructor(dataPath: string, given: Given) {
    this.dataPath = dataPath
    this.#given = given
    this.nsqd = this.#create()
  }

  get options(): NsqdOptions {
    return this.nsqd.options
  }

  topic(name = 't'): Topic {
    const topic = this.nsqd.topics.get(name)
    assert.ok(topic, `there is no topic ${name}`)
    return topic
  }

  channel(name = 'c', topic = 't'): Channel {
    const channel = this.topic(topic).channels.get(name)
    assert.ok(channel, `there is no channel ${name}`)
    return channel
  }

  /** A new connection; identified when something is to be said. */
  async connect(request?: Partial<IdentifyRequest>): Promise<RawClient> {
    const client = new RawClient(this.nsqd.tcpAddress)
    this.#clients.push(client)
    if (request !== undefined) assert.equal(await client.ask(identify(request)), 'OK')
    return client
  }

  /** A new connection, subscribed and with this RDY. */
  async subscribe(
    ready = 0,
    {
      topic = 't',
      channel = 'c',
      ...request
    }: { topic?: string; channel?: string } & Partial<IdentifyRequest> = {},
  ): Promise<RawClient> {
    const client = await this.connect(Object.keys(request).length > 0 ? request : undefined)
    assert.equal(await client.ask(sub(topic, channel)), 'OK')
    if (ready > 0) {
      client.send(rdy(ready))
      await client.settled()
    }
    return client
  }

  /** Publishes, and waits for the acknowledgement. */
  publish(...bodies: readonly string[]): Promise<void> {
    return this.nsqd.publish(
      't',
      bodies.map(body => Buffer.from(body)),
      0,
    )
  }

  publishLater(ms: number, ...bodies: readonly string[]): Promise<void> {
    return this.nsqd.publish(
      't',
      bodies.map(body => Buffer.from(body)),
      ms,
    )
  }

  async start(): Promise<void> {
    await this.nsqd.start()
  }

  async stop(): Promise<void> {
    for (const client of this.#clients.splice(0)) client.destroy()
    await this.nsqd.close()
  }

  /** Stops it as SIGTERM does, and starts it again, with other options if given. */
  async restart(given: Given = {}): Promise<void> {
    await this.stop()
    await this.begin(given)
  }

  /** Starts it again after `stop`. */
  async begin(given: Given = {}): Promise<void> {
    this.#given = { ...this.#given, ...given }
    this.nsqd = this.#create()
    await this.start()
  }

  /** The text of an HTTP reply. */
  async http(method: 'GET' | 'POST', path: string, body?: string): Promise<string> {
    const { host, port } = this.nsqd.httpAddress
    const response = await fetch(`http://${host}:${port}${path}`, {
      method,
      ...(body === undefined ? {} : { body }),
    })
    return response.text()
  }

  #create(): Nsqd {
    const options = resolveNsqdOptions({
      tcpAddress: '127.0.0.1:0',
      httpAddress: '127.0.0.1:0',
      dataPath: this.dataPath,
      // Nobody waits for consumers that a test has forgotten.
      shutdownTimeout: 0,
      ...this.#given,
    })
    return new Nsqd(
      options,
      new Logger({ prefix: '', level: LogLevel.debug, write: line => void this.log.push(line) }),
    )
  }
}

/** Starts an nsqd; it is stopped when the test ends. */
export async function start(t: TestContext, given: Given = {}): Promise<Running> {
  const started: Running[] = []
  // Before the folder goes: hooks run in this order.
  t.after(() => Promise.all(started.map(running => running.stop())))
  const running = new Running(temporaryFolder(), given)
  started.push(running)
  await running.start()
  return running
}
