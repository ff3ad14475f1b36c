import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deflateLayer } from '../../src/net/deflate.ts'
import { snappyLayer } from '../../src/net/snappy.ts'
import { clientTls, serverTls } from '../../src/net/tls.ts'
import type { Layer } from '../../src/net/transport.ts'
import { random } from '../protocol/splits.ts'
import { certificates } from '../support/certificates.ts'
import { pause, until } from '../support/wait.ts'
import { connected, type End } from './transports.ts'

const { ca, server } = await certificates()
const snappy = await snappyLayer()
// How well it packs is not the matter here.
const deflate = deflateLayer(1)
const tls = [
  clientTls({ ca: ca.cert }, 'localhost'),
  serverTls({ ...server, clientAuth: '', minVersion: 'TLSv1.2' }),
] as const

const STACKS: Record<string, readonly (readonly [client: Layer, server: Layer])[]> = {
  plain: [],
  tls: [tls],
  deflate: [[deflate, deflate]],
  snappy: [[snappy, snappy]],
  'tls and deflate': [tls, [deflate, deflate]],
  'tls and snappy': [tls, [snappy, snappy]],
}

const next = random()
const NOISE = Buffer.from(Array.from({ length: 1 << 20 }, () => next() * 256))
// More than the system and all layers take between two sockets.
const LARGE = 20 * 1024 * 1024
// What nsqd lets a slow consumer be behind.
const BEHIND = 1024 * 1024

for (const [name, layers] of Object.entries(STACKS)) {
  describe(name, () => {
    test('bytes of every size go both ways at once, in order', async t => {
      const ends = await connected(t, layers)
      const sent: Buffer[][] = [[], []]
      for (let i = 0; i < 150; i++) {
        for (const [which, end] of ends.entries()) {
          const at = Math.floor(next() * 500_000)
          const size = 1 + Math.floor(next() ** 6 * 300_000)
          const bytes = i % 3 === 0 ? Buffer.alloc(size, 'nsq ') : NOISE.subarray(at, at + size)
          sent[which]?.push(bytes)
          end.transport.writer.write(bytes)
          if (next() < 0.4) end.transport.writer.flush()
        }
        if (next() < 0.1) await pause(0)
      }
      const [a, b] = ends
      for (const end of ends) end.transport.writer.flush()
      await b.receives(Buffer.concat(sent[0] ?? []))
      await a.receives(Buffer.concat(sent[1] ?? []))
    })

    test('no flush waits for another', async t => {
      const [a, b] = await connected(t, layers)
      for (let i = 1; i <= 20; i++) {
        a.send('ping')
        await b.receives('ping'.repeat(i))
        b.send('pong')
        await a.receives('pong'.repeat(i))
      }
    })

    test('while it is paused nothing comes, and all of it afterwards', async t => {
      const [a, b] = await connected(t, layers)
      b.transport.pause()
      assert.equal(b.transport.isPaused, true)
      a.send('one')
      a.send(NOISE)
      // What goes the other way shows that time has passed for both.
      b.send('reply')
      await a.receives('reply')
      await pause(20)
      assert.equal(b.length, 0)
      b.transport.resume()
      await b.receives(Buffer.concat([Buffer.from('one'), NOISE]))
    })

    test('a reader that stops shows in what is pending, and when it goes on, the writer hears of it', async t => {
      const [a, b] = await connected(t, layers)
      b.transport.pause()
      for (let sent = 0; sent < LARGE; sent += NOISE.length) a.send(NOISE)
      await settles(a)
      assert.ok(a.transport.writer.pending > BEHIND, `pending ${a.transport.writer.pending}`)
      assert.deepEqual(a.events, [])
      b.transport.resume()
      await until(
        () => b.length === LARGE,
        () => `${b.length} bytes`,
      )
      await until(() => a.events.includes('drained'))
      assert.equal(a.transport.writer.pending, 0)
    })

    test('the end comes behind the last bytes, and the other side may still answer', async t => {
      const [a, b] = await connected(t, layers)
      b.transport.pause()
      a.transport.writer.write(NOISE)
      a.transport.end(Buffer.from('end'))
      await pause(20)
      b.transport.resume()
      await b.receives(Buffer.concat([NOISE, Buffer.from('end')]))
      await until(() => b.events.includes('ended'))
      b.send(NOISE)
      b.transport.end(Buffer.from('bye'))
      await a.receives(Buffer.concat([NOISE, Buffer.from('bye')]))
      await Promise.all([a.closes(), b.closes()])
      assert.deepEqual(a.events.slice(-2), ['ended', 'closed'])
      assert.equal(b.events.at(-1), 'closed')
      assert.equal(a.error ?? b.error, undefined)
    })

    test('destroyed on one side, it closes on both, once', async t => {
      const [a, b] = await connected(t, layers)
      a.send(NOISE)
      b.transport.destroy(new Error('enough'))
      await Promise.all([a.closes(), b.closes()])
      await pause(20)
      for (const end of [a, b]) {
        assert.equal(end.events.filter(event => event === 'closed').length, 1)
        assert.equal(end.events.at(-1), 'closed')
      }
      assert.equal(b.error?.message, 'enough')
      assert.equal(b.transport.writer.pending, 0)
      // Nobody is there any more, and that is no error.
      a.send(NOISE)
      a.transport.end()
      assert.equal(a.transport.writer.pending, 0)
    })

    test('a reset is the error that it closes with', async t => {
      const [a, b] = await connected(t, layers)
      b.transport.pause()
      for (let sent = 0; sent < LARGE; sent += NOISE.length) a.send(NOISE)
      await settles(a)
      b.socket.resetAndDestroy()
      await Promise.all([a.closes(), b.closes()])
      assert.match(String(a.error), /ECONNRESET|EPIPE/)
    })
  })
}

/** Waits until what is unsent no longer changes. */
async function settles(end: End): Promise<void> {
  for (let before = -1; before !== end.transport.writer.pending;) {
    before = end.transport.writer.pending
    await pause(50)
  }
}
