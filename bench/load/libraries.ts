/** The libraries that are compared, as a program gets them: each is loaded by who uses it. */
import { createRequire } from 'node:module'
import type * as Library from '../../src/index.ts'
import type { ClientJob } from '../work.ts'

interface Emitter {
  once(event: string, listener: (...args: never[]) => void): void
  on(event: string, listener: (...args: never[]) => void): void
  connect(): void
  close(): void
}

interface Writer extends Emitter {
  publish(topic: string, messages: Buffer | Buffer[], done: (error?: Error | null) => void): void
}

interface NsqjsMessage {
  body: Buffer
  finish(): void
}

interface Reader extends Emitter {
  on(event: 'message', listener: (message: NsqjsMessage) => void): void
  on(event: string, listener: (...args: never[]) => void): void
}

/** It comes without types; these are the parts used here. */
interface Nsqjs {
  Writer: new (host: string, port: number, options: object) => Writer
  Reader: new (topic: string, channel: string, options: object) => Reader
}

/** Ours as it is published: what runs TypeScript for the bench would leave its marks on the sources. */
export function loadOurs(): Promise<typeof Library> {
  return import(new URL('../../dist/index.js', import.meta.url).href)
}

export function loadNsqjs(): Nsqjs {
  return createRequire(import.meta.url)('nsqjs')
}

export function ourOptions({ tlsCa, snappy, deflate }: ClientJob): Library.ConnectionOptions {
  return {
    ...(tlsCa !== '' && { tls: { ca: tlsCa } }),
    snappy,
    ...(deflate > 0 && { deflate }),
  }
}

export function nsqjsOptions({ tlsCa, snappy, deflate }: ClientJob): object {
  return {
    ...(tlsCa !== '' && { tls: true, ca: Buffer.from(tlsCa) }),
    snappy,
    ...(deflate > 0 && { deflate: true, deflateLevel: deflate }),
  }
}
