import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { fin, MAGIC_V2, pub, rdy, sub } from '../../src/protocol/command.ts'
import { RawClient } from '../nsqd/raw-client.ts'
import type { Spawned } from '../support/spawned.ts'
import { pause, until } from '../support/wait.ts'

export const MiB = 1024 * 1024

/** An nsqd in a process of its own that others are nasty to, and how it bears it. */
export class Victim {
  readonly nsqd: Spawned
  /** What the clients of the present test have opened. */
  readonly #sockets = new Set<Socket>()

  constructor(nsqd: Spawned) {
    this.nsqd = nsqd
  }

  /** A connection over which nothing is read until the test does. */
  async connect(first: Buffer | string = MAGIC_V2): Promise<Socket> {
    const { host, port } = this.nsqd.tcp
    return this.#open(connect(port, host), first)
  }

  /** The same to its HTTP server. */
  async connectHttp(first: Buffer | string): Promise<Socket> {
    const { host, port } = this.nsqd.http
    return this.#open(connect(port, host), first)
  }

  /** Closes what was opened, and waits until nsqd has noticed. */
  async leave(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    this.#sockets.clear()
    while ((await this.connections()) > 0) await pause(5)
  }

  async connections(): Promise<number> {
    const metrics = await this.get('/metrics')
    return Number(/^nsqd_connections (\d+)$/m.exec(metrics)?.[1])
  }

  /** Publishes and consumes a message, as a well-behaved client does. */
  async serves(): Promise<void> {
    const client = new RawClient(this.nsqd.tcp)
    try {
      const topic = 'served#ephemeral'
      assert.equal(await client.ask(sub(topic, 'c#ephemeral')), 'OK')
      client.send(rdy(1), pub(topic, Buffer.from('still there')))
      const [reply, message] = await Promise.all([client.reply(), client.message()])
      assert.deepEqual([reply, message.body], ['OK', 'still there'])
      client.send(fin(message.id))
      await client.settled()
    } finally {
      client.destroy()
    }
    assert.equal(await this.get('/ping'), 'OK')
  }

  async get(path: string): Promise<string> {
    const { host, port } = this.nsqd.http
    return (await fetch(`http://${host}:${port}${path}`)).text()
  }

  /** What it holds in memory, in bytes. */
  get memory(): number {
    const status = readFileSync(`/proc/${this.nsqd.pid}/status`, 'utf8')
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) * 1024
  }

  get descriptors(): number {
    return readdirSync(`/proc/${this.nsqd.pid}/fd`).length
  }

  async #open(socket: Socket, first: Buffer | string): Promise<Socket> {
    this.#sockets.add(socket)
    socket.on('error', () => {})
    socket.pause()
    await once(socket, 'connect')
    socket.write(first)
    return socket
  }
}

/** Writes until the other side takes no more, at most so many bytes in all; gives how many were taken. */
export async function pour(socket: Socket, bytes: Buffer, most: number): Promise<number> {
  while (socket.bytesWritten < most && !socket.destroyed) {
    if (socket.writableLength < 4 * MiB) socket.write(bytes)
    const before = socket.writableLength
    await pause(1)
    if (before >= 4 * MiB && (await isStill(socket))) break
  }
  return socket.bytesWritten - socket.writableLength
}

/** Whether nothing is taken from it any more. */
async function isStill(socket: Socket): Promise<boolean> {
  const before = socket.writableLength
  await pause(300)
  return socket.writableLength === before
}

/** Resolves when the connection has been closed by the other side. */
export async function closed(socket: Socket): Promise<void> {
  socket.resume()
  await until(
    () => socket.destroyed,
    () => 'the connection is still open',
  )
}
