import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { dial } from '../../src/net/dial.ts'
import { SocketWriter } from '../../src/net/writer.ts'
import { accepted, receiveAll, startServer } from './sockets.ts'

/** A stream that writes down how it was written to: each entry is one write, a writev its parts. */
class Recorder extends Duplex {
  readonly writes: Buffer[][] = []
  /** While true, the first write stays under way. */
  hold = false
  release: () => void = () => {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.writes.push([chunk])
    this.#finish(done)
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.writes.push(chunks.map(({ chunk }) => chunk))
    this.#finish(done)
  }

  #finish(done: () => void): void {
    if (this.hold) this.release = done
    else done()
  }

  override _read(): void {}

  get texts(): string[] {
    return this.writes.map(chunks => Buffer.concat(chunks).toString('latin1'))
  }
}

const SMALL = Buffer.from('0123456789')
const LARGE = Buffer.alloc(100_000, 'L')

test('small writes are one write', () => {
  const socket = new Recorder()
  const writer = new SocketWriter(socket)
  for (let i = 0; i < 100; i++) writer.write(SMALL)
  assert.equal(socket.writes.length, 0)
  assert.equal(writer.pending, 1000)
  writer.flush()
  assert.deepEqual(socket.texts, ['0123456789'.repeat(100)])
  assert.equal(socket.writes[0]?.length, 1)
  assert.equal(writer.pending, 0)
})

test('the caller may reuse a small buffer at once', () => {
  const socket = new Recorder()
  const writer = new SocketWriter(socket)
  const bytes = Buffer.from('a')
  writer.write(bytes)
  bytes.write('b')
  writer.write(bytes)
  writer.flush()
  assert.deepEqual(socket.texts, ['ab'])
})

test('large writes are not copied, and the order is kept', () => {
  const socket = new Recorder()
  const writer = new SocketWriter(socket)
  writer.write(SMALL)
  writer.write(LARGE)
  writer.write(SMALL)
  writer.write(SMALL)
  writer.flush()
  assert.equal(socket.writes.length, 1)
  const [parts = []] = socket.writes
  assert.deepEqual(
    parts.map(part => part.length),
    [10, 100_000, 20],
  )
  assert.equal(parts[1]?.buffer, LARGE.buffer)
})

test('what was flushed is never overwritten', () => {
  const socket = new Recorder()
  socket.hold = true
  const writer = new SocketWriter(socket)
  let expected = ''
  for (let i = 0; i < 5000; i++) {
    const text = `${i} `
    expected += text
    writer.write(Buffer.from(text))
    if (i % 7 === 0) writer.flush()
  }
  writer.flush()
  assert.equal(writer.pending, expected.length)
  socket.hold = false
  socket.release()
  assert.equal(writer.pending, 0)
  assert.equal(socket.texts.join(''), expected)
})

test('nothing written, nothing flushed', () => {
  const socket = new Recorder()
  const writer = new SocketWriter(socket)
  writer.flush()
  writer.write(Buffer.alloc(0))
  writer.flush()
  assert.deepEqual(socket.writes, [])
})

test('pending counts what waits here and in the socket', () => {
  const socket = new Recorder()
  socket.hold = true
  const writer = new SocketWriter(socket)
  writer.write(SMALL)
  writer.flush()
  writer.write(LARGE)
  assert.equal(writer.pending, 100_010)
})

test('after the socket has closed, writes are dropped', () => {
  const socket = new Recorder()
  const writer = new SocketWriter(socket)
  socket.destroy()
  writer.write(SMALL)
  writer.flush()
  assert.equal(writer.pending, 0)
  assert.deepEqual(socket.writes, [])
})

test('what is written after the end is not taken for something sent', () => {
  const socket = new Recorder()
  socket.hold = true
  const writer = new SocketWriter(socket)
  writer.write(LARGE)
  writer.end()
  const { sent } = writer
  writer.write(LARGE)
  writer.flush()
  assert.equal(writer.pending, LARGE.length)
  assert.equal(writer.sent, sent)
  socket.release()
  assert.equal(writer.sent, sent + LARGE.length)
})

test('end sends the last bytes and ends', async () => {
  const socket = new Recorder()
  const writer = new SocketWriter(socket)
  writer.write(Buffer.from('a'))
  writer.end(Buffer.from('b'))
  await once(socket, 'finish')
  assert.deepEqual(socket.texts, ['ab'])
})

test('writes of every size arrive over TCP in order', async t => {
  const { server, address } = await startServer(t)
  const [socket, peer] = await Promise.all([dial(address, { timeoutMs: 5000 }), accepted(server)])
  const received = receiveAll(peer)
  const writer = new SocketWriter(socket)
  const sent: Buffer[] = []
  for (let i = 0; i < 400; i++) {
    const bytes = Buffer.alloc(1 + ((i * 997) % 9000), i)
    sent.push(bytes)
    writer.write(bytes)
    if (i % 3 === 0) writer.flush()
  }
  writer.end(SMALL)
  assert.ok((await received).equals(Buffer.concat([...sent, SMALL])))
})
