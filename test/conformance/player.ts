import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Address, formatAddress } from '../../src/util/address.ts'
import type { HttpAnswer, Part, Step, Transcript } from './transcript.ts'
import { Wire } from './wire.ts'

/** Longest wait for something that must come. */
const PATIENCE_MS = 12_000
/** Wait for something that must not come. */
const QUIET_MS = 120

/** Plays one case of a transcript against a running daemon; each difference is an assertion error that names the step. */
export class Player {
  readonly #daemon: Transcript['daemon']
  readonly #mask: ReadonlySet<string>
  readonly #tcp: Address
  readonly #http: Address
  readonly #wires = new Map<string, Wire>()
  /** Names for message ids in the order they were seen: m1, m2, … */
  readonly #ids = new Map<string, string>()

  constructor(transcript: Transcript, addresses: { tcp: Address; http: Address }) {
    this.#daemon = transcript.daemon
    this.#mask = new Set(transcript.mask)
    this.#tcp = addresses.tcp
    this.#http = addresses.http
  }

  async play(steps: readonly Step[]): Promise<void> {
    try {
      for (const [i, step] of steps.entries()) {
        await this.#step(step, `step ${i}: ${JSON.stringify(step).slice(0, 200)}`)
      }
    } finally {
      await Promise.all([...this.#wires.values()].map(wire => wire.close()))
    }
  }

  async #step(step: Step, what: string): Promise<void> {
    if ('connect' in step) this.#wires.set(step.connect, await Wire.open(this.#tcp))
    else if ('send' in step) this.#wire(step.send).send(this.#encode(step.parts))
    else if ('disconnect' in step) await this.#wire(step.disconnect).close()
    else if ('sleep' in step) await sleep(step.sleep)
    else if ('recv' in step) assert.deepEqual(await this.#receive(step), step.frames, what)
    else if ('closed' in step) {
      const patience = step.value ? PATIENCE_MS : QUIET_MS
      assert.equal(await this.#wire(step.closed).isClosed(patience), step.value, what)
    } else assert.deepEqual(await this.#ask(step), step.response, what)
  }

  #wire(name: string): Wire {
    const wire = this.#wires.get(name)
    assert.ok(wire, `no connection ${name}`)
    return wire
  }

  async #receive({
    recv,
    frames,
    take,
  }: {
    recv: string
    frames: unknown[]
    take?: number
  }): Promise<unknown[]> {
    const wire = this.#wire(recv)
    const expected = take ?? frames.length
    const got: unknown[] = []
    for (;;) {
      if (take !== undefined && got.length === take) return got
      const bytes = await wire.next(got.length < expected ? PATIENCE_MS : QUIET_MS)
      if (bytes === undefined) return got
      const frame = this.#daemon === 'nsqlookupd' ? { data: this.#plain(bytes) } : this.#decode(bytes)
      if (frame !== undefined) got.push(frame)
    }
  }

  /** A frame of nsqd as transcripts write it; undefined for heartbeats, which they leave out. */
  #decode(bytes: Buffer): unknown {
    const type = bytes.readUInt32BE(0)
    if (type === 2) {
      const id = bytes.toString('latin1', 14, 30)
      if (!this.#ids.has(id)) this.#ids.set(id, `m${this.#ids.size + 1}`)
      const name = `$${this.#ids.get(id)}`
      return {
        type: 'message',
        attempts: bytes.readUInt16BE(12),
        id: name,
        body: bytes.toString('latin1', 30),
      }
    }
    const data = this.#plain(bytes.subarray(4))
    if (type === 0 && data === '_heartbeat_') return undefined
    return { type: type === 0 ? 'response' : 'error', data }
  }

  async #ask(step: { http: string; path: string; parts?: Part | Part[] }): Promise<HttpAnswer> {
    const response = await fetch(`http://${formatAddress(this.#http)}${step.path}`, {
      method: step.http,
      ...(step.parts === undefined ? {} : { body: this.#encode(step.parts) }),
    })
    const body = this.#plain(Buffer.from(await response.arrayBuffer()))
    return { status: response.status, type: response.headers.get('content-type'), body }
  }

  /** What was received, without what differs from run to run. */
  #plain(bytes: Buffer): unknown {
    let text = bytes.toString('latin1')
    for (const [id, name] of this.#ids) text = text.replaceAll(id, `$${name}`)
    let value: unknown
    try {
      value = JSON.parse(text)
    } catch {
      return text
    }
    return typeof value === 'object' && value !== null ? this.#masked(value) : text
  }

  #masked(value: unknown): unknown {
    if (Array.isArray(value)) {
      const items: unknown[] = value
      // Lists of names have no order.
      return items.every(item => typeof item === 'string')
        ? items.toSorted()
        : items.map(item => this.#masked(item))
    }
    if (typeof value !== 'object' || value === null) return value
    const entries = Object.entries(value).map(([key, item]) => [
      key,
      this.#mask.has(key) ? '*' : this.#masked(item),
    ])
    return Object.fromEntries(entries)
  }

  #encode(parts: Part | Part[]): Buffer {
    if (Array.isArray(parts)) return Buffer.concat(parts.map(part => this.#encode(part)))
    if (typeof parts === 'string') return Buffer.from(parts, 'latin1')
    if ('u32' in parts) return uint32(parts.u32)
    if ('repeat' in parts) return Buffer.from(parts.repeat[0].repeat(parts.repeat[1]), 'latin1')
    if ('id' in parts) return Buffer.from(this.#idNamed(parts.id), 'latin1')
    const body = 'sized' in parts ? this.#encode(parts.sized) : Buffer.from(JSON.stringify(parts.sizedJson))
    return Buffer.concat([uint32(body.length), body])
  }

  #idNamed(name: string): string {
    for (const [id, known] of this.#ids) if (known === name) return id
    throw new Error(`no message ${name} was received`)
  }
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value >>> 0)
  return bytes
}
