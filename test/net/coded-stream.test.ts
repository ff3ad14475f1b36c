import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { describe, test, type TestContext } from 'node:test'
import { constants, createDeflateRaw, createInflateRaw, deflateRawSync, inflateRawSync } from 'node:zlib'
import { compressSync } from 'snappy'
import { SnappyStream, UnsnappyStream } from 'snappystream'
import { codedStream } from '../../src/net/coded-stream.ts'
import { deflateLayer } from '../../src/net/deflate.ts'
import { isSnappyAvailable, snappyLayer } from '../../src/net/snappy.ts'
import type { Layer } from '../../src/net/transport.ts'
import { MAX_SNAPPY_BLOCK, SNAPPY_IDENTIFIER, snappyChunk } from '../../src/protocol/snappy-frames.ts'
import { cut, random } from '../protocol/splits.ts'
import { pause, until } from '../support/wait.ts'
import { connected, End, NOTHING, socketPair } from './transports.ts'

interface Coding {
  layer: Layer
  errorCode: string
  /** Each part coded on its own, as behind a flush. */
  code(parts: readonly Buffer[]): Buffer[]
}

const snappyCoding: Coding = {
  layer: await snappyLayer(),
  errorCode: 'E_SNAPPY',
  code: parts => [SNAPPY_IDENTIFIER, ...parts.map(part => snappyChunk(part, compressSync))],
}
const deflateCoding: Coding = {
  layer: deflateLayer(6),
  errorCode: 'E_DEFLATE',
  code: parts => parts.map(part => deflateRawSync(part, { finishFlush: constants.Z_SYNC_FLUSH })),
}

const TEXTS = Array.from({ length: 60 }, (_, i) => Buffer.from(`message ${i * i} `.repeat(1 + (i % 7))))

/** A socket, and the end of a connection that has the layer over its own. */
async function withLayer(t: TestContext, layer: Layer, rest = NOTHING): Promise<[Socket, End]> {
  const [peer, socket] = await socketPair(t, { allowHalfOpen: true })
  const end = new End(socket)
  await end.transport.upgrade(layer, rest)
  return [peer, end]
}

for (const [name, coding] of Object.entries({ deflate: deflateCoding, snappy: snappyCoding })) {
  describe(name, () => {
    test('decodes however the bytes are cut', async t => {
      const coded = Buffer.concat(coding.code(TEXTS))
      const next = random()
      const everywhere = Array.from({ length: coded.length - 1 }, (_, i) => i + 1)
      for (const density of [0, 0.01, 0.1, 1]) {
        const [peer, end] = await withLayer(t, coding.layer)
        for (const chunk of cut(
          coded,
          everywhere.filter(() => next() < density),
        )) {
          peer.write(chunk)
          if (next() < 0.01) await pause(0)
        }
        await end.receives(Buffer.concat(TEXTS))
        end.transport.destroy()
      }
    })

    test('begins with what was read too far, before what comes later', async t => {
      const coded = Buffer.concat(coding.code(TEXTS))
      for (const at of [1, 5, 40, coded.length]) {
        const [peer, end] = await withLayer(t, coding.layer, coded.subarray(0, at))
        peer.write(coded.subarray(at))
        await end.receives(Buffer.concat(TEXTS))
        end.transport.destroy()
      }
    })

    test('what ends in the middle ends, with all that can be decoded', async t => {
      const parts = coding.code(TEXTS)
      const [peer, end] = await withLayer(t, coding.layer)
      const last = parts.pop() ?? NOTHING
      peer.end(Buffer.concat([...parts, last.subarray(0, 3)]))
      await until(() => end.events.includes('ended'))
      const whole = Buffer.concat(TEXTS.slice(0, -1))
      // Deflate may give a few letters of the last.
      assert.ok(end.bytes.subarray(0, whole.length).equals(whole))
      assert.ok(end.length < Buffer.concat(TEXTS).length)
      end.transport.end()
      await end.closes()
      assert.equal(end.error, undefined)
    })

    test('what was sent before the other side closed arrives, though it is read late', async t => {
      const sent = Buffer.alloc(3_000_000, TEXTS.join(''))
      const parts: Buffer[] = []
      for (let at = 0; at < sent.length; at += MAX_SNAPPY_BLOCK)
        parts.push(sent.subarray(at, at + MAX_SNAPPY_BLOCK))
      // As a client's: it ends when the other side does.
      const [socket, peer] = await socketPair(t)
      const end = new End(socket)
      end.transport.pause()
      await end.transport.upgrade(coding.layer, NOTHING)
      peer.end(Buffer.concat(coding.code(parts)))
      await until(() => socket.readableEnded || socket.isPaused())
      end.transport.resume()
      await end.receives(sent)
      await end.closes()
      assert.deepEqual(end.events, ['ended', 'closed'])
    })

    test('garbage is an error, and closes the connection', async t => {
      // No valid block of deflate begins with three set bits; no stream of snappy with any of these.
      for (const garbage of ['\xff\xff\xff\xff\xff\xff', 'OK not at all', '\x07\x07\x07\x07']) {
        const [peer, end] = await withLayer(t, coding.layer)
        peer.write(Buffer.from(garbage, 'latin1'))
        await end.closes()
        const { error } = end
        assert.ok(error !== undefined && 'code' in error, garbage)
        assert.equal(error.code, coding.errorCode)
        assert.match(error.message, new RegExp(`^what came is not ${name}: .`))
        assert.ok(error.cause instanceof Error)
        if (!peer.closed) await once(peer.resume(), 'close')
      }
    })

    test('garbage behind good bytes leaves these', async t => {
      const [peer, end] = await withLayer(t, coding.layer)
      peer.write(Buffer.concat(coding.code(TEXTS)))
      await end.receives(Buffer.concat(TEXTS))
      peer.write(Buffer.from('\x07\x07\x07\x07', 'latin1'))
      await end.closes()
      assert.ok(end.error !== undefined && 'code' in end.error && end.error.code === coding.errorCode)
    })

    test('a peer that vanishes is a plain end or a reset', async t => {
      const [peer, end] = await withLayer(t, coding.layer)
      peer.write(Buffer.concat(coding.code(TEXTS)).subarray(0, 20))
      end.send(Buffer.alloc(100_000))
      await pause(5)
      peer.resetAndDestroy()
      // Node sends a FIN before the RST: whoever reads in between sees an end, and the reset when it writes.
      await until(() => end.isClosed || end.events.includes('ended'))
      const writing = setInterval(() => end.send('x'), 1)
      await end.closes().finally(() => clearInterval(writing))
      assert.match(String(end.error), /ECONNRESET|EPIPE/)
    })

    test('one buffer several times in one flush goes out as often', async t => {
      const [end, far] = await connected(t, [[coding.layer, coding.layer]])
      const same = Buffer.alloc(MAX_SNAPPY_BLOCK, 'same')
      const parts = [same, Buffer.from('between'), same, same]
      for (const part of parts) end.transport.writer.write(part)
      end.transport.writer.flush()
      await far.receives(Buffer.concat(parts))
      end.send('behind')
      await far.receives(Buffer.concat([...parts, Buffer.from('behind')]))
    })

    test('a layer over it does not lose what was still to be sent', async t => {
      const [end, far] = await connected(t, [[coding.layer, coding.layer]])
      const noise = Buffer.from(Array.from({ length: 500_000 }, (_, i) => (i * i * 7919) >> 5))
      // The first is under way; the others wait, and behind them the upgrade's question whether they are sent.
      for (let i = 0; i < 3; i++) end.send(noise)
      await end.transport.upgrade(coding.layer, NOTHING)
      await far.receives(Buffer.concat([noise, noise, noise]))
      await far.transport.upgrade(coding.layer, NOTHING)
      end.send('behind')
      await far.receives(Buffer.concat([noise, noise, noise, Buffer.from('behind')]))
    })

    test('a flush of many small writes is coded as one', async t => {
      const [peer, end] = await withLayer(t, coding.layer)
      for (let i = 0; i < 1000; i++) end.transport.writer.write(Buffer.from('FIN 0123456789abcdef\n'))
      // Not copied into the others, so that there are several buffers to write.
      end.transport.writer.write(Buffer.alloc(3000, 'x'))
      end.transport.writer.flush()
      end.transport.end()
      const received: Buffer[] = []
      for await (const chunk of peer) received.push(chunk)
      // 24,000 bytes that repeat themselves: coded each on its own they would be a multiple.
      assert.ok(Buffer.concat(received).length < 2000, `${Buffer.concat(received).length} bytes`)
    })
  })
}

test('a bomb costs nothing while nobody reads, and little while somebody does', async () => {
  // 256 MiB in a quarter of a MiB, as often as it is asked for.
  const bomb = deflateRawSync(Buffer.alloc(256 * 1024 * 1024), {
    level: 9,
    finishFlush: constants.Z_SYNC_FLUSH,
  })
  const below = new PassThrough()
  const decoder = createInflateRaw()
  const stream = codedStream(below, {
    name: 'test',
    errorCode: 'E_TEST',
    encoder: createDeflateRaw(),
    decoder,
  })
  const external = process.memoryUsage().arrayBuffers
  for (let i = 0; i < 20; i++) below.write(bomb)
  let read = 0
  for (let round = 0; round < 10; round++) {
    const before = read
    // Reads a little and stops.
    for (const enough = read + 1_000_000; read < enough;) {
      const chunk: Buffer | null = stream.read()
      if (chunk === null) await once(stream, 'readable')
      else read += chunk.length
    }
    await pause(5)
    const ahead = stream.readableLength + decoder.readableLength
    assert.ok(ahead < 512 * 1024, `${ahead} bytes are decoded that nobody has asked for`)
    assert.ok(read - before < 2_000_000)
  }
  const held = process.memoryUsage().arrayBuffers - external
  assert.ok(held < 64 * 1024 * 1024, `${held} bytes`)
  stream.destroy()
  await once(stream, 'close')
  assert.equal(below.destroyed, true)
  assert.equal(decoder.destroyed, true)
})

test('snappy is decoded no further than it is read', async t => {
  const block = snappyChunk(Buffer.alloc(MAX_SNAPPY_BLOCK), compressSync)
  // In the chunks of a socket there are twenty blocks and more, of 64 KiB each.
  assert.ok(block.length < 3500)
  const [peer, socket] = await socketPair(t)
  const stream = await snappyCoding.layer(socket.pause())
  for (let i = 0; i < 5000; i++) peer.write(i === 0 ? Buffer.concat([SNAPPY_IDENTIFIER, block]) : block)
  await once(stream, 'readable')
  await until(() => socket.isPaused())
  await pause(5)
  assert.ok(stream.readableLength <= 3 * MAX_SNAPPY_BLOCK, `${stream.readableLength} bytes`)
  stream.destroy()
})

test('deflate: what follows the last block is dropped, and the stream has ended', async t => {
  const [peer, end] = await withLayer(t, deflateCoding.layer)
  peer.write(Buffer.concat([deflateRawSync('the end'), Buffer.from('trailing')]))
  await end.receives('the end')
  await until(() => end.events.includes('ended'))
  peer.write(Buffer.alloc(1_000_000))
  end.send('still writes')
  const chunk: Buffer = (await once(peer, 'data'))[0]
  assert.equal(inflateRawSync(chunk, { finishFlush: constants.Z_SYNC_FLUSH }).toString(), 'still writes')
  peer.end()
  end.transport.end()
  await end.closes()
  assert.equal(end.error, undefined)
})

test('deflate: the end of what is sent is marked', async t => {
  const [peer, end] = await withLayer(t, deflateCoding.layer)
  end.send('one ')
  end.transport.end(Buffer.from('two'))
  const received: Buffer[] = []
  for await (const chunk of peer) received.push(chunk)
  // Without its last block this would throw.
  assert.equal(inflateRawSync(Buffer.concat(received)).toString(), 'one two')
})

test('deflate: a higher level makes it smaller', async t => {
  const words = Buffer.from(Array.from({ length: 20_000 }, (_, i) => (i * i) % 251))
  const sizes: number[] = []
  for (const level of [1, 9]) {
    const [peer, end] = await withLayer(t, deflateLayer(level))
    end.transport.end(words)
    let size = 0
    for await (const chunk of peer) size += chunk.length
    sizes.push(size)
  }
  assert.ok(Number(sizes[1]) < Number(sizes[0]), sizes.join(' '))
})

test("snappy: nsqjs' streams read ours, and we read theirs", async t => {
  assert.equal(isSnappyAvailable(), true)
  const [peer, end] = await withLayer(t, snappyCoding.layer)
  const theirs = new SnappyStream()
  theirs.pipe(peer)
  const received: Buffer[] = []
  peer.pipe(new UnsnappyStream(true)).on('data', (chunk: Buffer) => received.push(chunk))
  const sent = [
    ...TEXTS,
    Buffer.alloc(200_000, 'large'),
    Buffer.from(Array.from({ length: 500 }, () => random()() * 256)),
  ]
  for (const bytes of sent) {
    theirs.write(bytes)
    end.send(bytes)
  }
  const all = Buffer.concat(sent)
  await end.receives(all)
  await until(() => Buffer.concat(received).length === all.length)
  assert.ok(Buffer.concat(received).equals(all))
})
