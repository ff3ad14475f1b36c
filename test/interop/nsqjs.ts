import { type EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import { Daemons } from '../client/daemons.ts'

/** A message as nsqjs hands it over. */
export interface NsqjsMessage {
  id: string
  body: Buffer
  attempts: number
  finish(): void
  requeue(delayMs: number, backoff: boolean): void
  touch(): void
}

type Done = (error?: Error | null) => void

export interface NsqjsWriter extends EventEmitter {
  connect(): void
  close(): void
  publish(topic: string, messages: string | Buffer | (string | Buffer)[], done: Done): void
  deferPublish(topic: string, messages: [string], delayMs: number, done: Done): void
}

export interface NsqjsReader extends EventEmitter {
  connect(): void
  close(): void
}

/** nsqjs comes without types; these are the parts used here. */
export interface Nsqjs {
  Writer: new (host: string, port: number, options?: object) => NsqjsWriter
  Reader: new (topic: string, channel: string, options: object) => NsqjsReader
}

export const nsqjs: Nsqjs = createRequire(import.meta.url)('nsqjs')

/** Daemons of a test and the clients that use them; the clients go first. */
export class Interop {
  readonly daemons = new Daemons()
  readonly #closers: (() => Promise<void> | void)[] = []

  /** To be called when the daemons are still there. */
  onClose(close: () => Promise<void> | void): void {
    this.#closers.push(close)
  }

  async close(): Promise<void> {
    for (const close of this.#closers.splice(0)) await close()
    await this.daemons.close()
  }

  /** An nsqjs Writer that is connected. */
  async writer({ port }: { port: number }, options: object = {}): Promise<NsqjsWriter> {
    const writer = new nsqjs.Writer('127.0.0.1', port, options)
    writer.connect()
    await once(writer, 'ready')
    this.onClose(async () => {
      const closed = once(writer, 'closed')
      // With compression its last command goes out bare, and nsqd's answer may be that it cannot be read.
      writer.on('error', () => {})
      writer.close()
      await closed
    })
    return writer
  }

  /** An nsqjs Reader of `t/c`; every message is finished unless `handle` says that it has answered it. */
  reader(options: object, handle: (message: NsqjsMessage) => boolean | void): void {
    const reader = new nsqjs.Reader('t', 'c', { maxInFlight: 100, ...options })
    reader.on('message', (message: NsqjsMessage) => {
      if (handle(message) !== true) message.finish()
    })
    // A connection that our nsqd closes at the end of a test is no failure of it.
    reader.on('error', () => {})
    reader.connect()
    this.onClose(() => reader.close())
  }
}

/** Publishes to `t`. */
export function publish(writer: NsqjsWriter, messages: string | Buffer | (string | Buffer)[]): Promise<void> {
  return new Promise((resolve, reject) => {
    writer.publish('t', messages, error => (error ? reject(error) : resolve()))
  })
}
