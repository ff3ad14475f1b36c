import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { Duplex, duplexPair } from 'node:stream'
import { test } from 'node:test'
import type { Layer } from '../../src/net/transport.ts'
import { NsqError } from '../../src/util/errors.ts'
import { pause, until } from '../support/wait.ts'
import { connected, End, NOTHING, socketPair } from './transports.ts'

/** Adds one to every byte that is sent and takes it off every byte that comes. */
class Shifted extends Duplex {
  readonly #below: Duplex

  constructor(below: Duplex) {
    super({ allowHalfOpen: below.allowHalfOpen })
    this.#below = below
    below.on('data', (bytes: Buffer) => {
      if (!this.push(shift(bytes, -1))) below.pause()
    })
    below.on('end', () => this.push(null))
    below.on('error', error => this.destroy(error))
    below.on('close', () => this.destroy())
  }

  override _read(): void {
    this.#below.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, done: () => void): void {
    this.#below.write(shift(bytes, 1), done)
  }

  override _final(done: () => void): void {
    this.#below.end(done)
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#below.destroy()
    done(error)
  }
}

function shift(bytes: Buffer | string, by: number): Buffer {
  return Buffer.from(Buffer.from(bytes).map(byte => byte + by))
}

const shifted: Layer = below => new Shifted(below)

test('an upgrade sends what was written in the old way, and what is written meanwhile in the new', async t => {
  const [peer, socket] = await socketPair(t)
  const end = new End(socket)
  const received: Buffer[] = []
  peer.on('data', (chunk: Buffer) => received.push(chunk))
  end.transport.writer.write(Buffer.from('old'))
  const upgraded = end.transport.upgrade(async below => {
    await until(() => Buffer.concat(received).toString() === 'old')
    return new Shifted(below)
  }, NOTHING)
  end.send('new')
  end.send('er')
  assert.equal(end.transport.writer.pending >= 5, true)
  await upgraded
  end.send('est')
  const expected = `old${shift('newerest', 1).toString()}`
  await until(() => Buffer.concat(received).toString() === expected)
  assert.equal(end.transport.writer.pending, 0)
})

test('the rest comes first, then what was already there, then what comes', async t => {
  const [peer, socket] = await socketPair(t)
  const end = new End(socket)
  peer.write('head')
  await end.receives('head')
  const gate = new EventEmitter()
  const upgraded = end.transport.upgrade(
    async below => {
      await once(gate, 'go')
      return new Shifted(below)
    },
    shift('rest ', 1),
  )
  peer.write(shift('waiting ', 1))
  await until(() => socket.readableLength === 'rest waiting '.length)
  assert.equal(end.length, 4)
  gate.emit('go')
  await upgraded
  peer.write(shift('later', 1))
  await end.receives('headrest waiting later')
})

test('pausing and resuming during an upgrade counts when it is done', async t => {
  const [peer, socket] = await socketPair(t)
  const end = new End(socket)
  const first = end.transport.upgrade(shifted, NOTHING)
  end.transport.pause()
  await first
  peer.write(shift('1', 1))
  await pause(20)
  assert.equal(end.length, 0)
  assert.equal(end.transport.isPaused, true)
  const second = end.transport.upgrade(shifted, NOTHING)
  end.transport.resume()
  await pause(5)
  await second
  assert.equal(end.transport.isPaused, false)
  peer.write(shift('2', 2))
  // What came before the second upgrade was not read yet, and so it belongs to the new layer.
  await end.receives('02')
})

test('who waits for the writer to drain hears of it, though that was during an upgrade', async t => {
  const [peer, socket] = await socketPair(t)
  const end = new End(socket)
  end.send(Buffer.alloc(20_000_000))
  assert.ok(end.transport.writer.pending > 1_000_000)
  const upgraded = end.transport.upgrade(shifted, NOTHING)
  peer.resume()
  await upgraded
  assert.deepEqual(end.events, ['drained'])
})

test('an upgrade that fails ends the connection, with its error', async t => {
  const [a, b] = await connected(t)
  const error = new NsqError('E_TLS', 'no')
  await assert.rejects(
    a.transport.upgrade(() => {
      throw error
    }, NOTHING),
    error,
  )
  await a.closes()
  await until(() => b.events.includes('ended'))
  assert.equal(a.error, error)
  assert.deepEqual(a.events, ['closed'])
})

test('what else an upgrade fails with becomes the cause', async t => {
  const [a] = await connected(t)
  const cause = new Error('odd')
  await assert.rejects(
    a.transport.upgrade(() => Promise.reject(cause), NOTHING),
    { code: 'E_DISCONNECTED', cause },
  )
  await a.closes()
})

test('destroyed or ended during an upgrade, it closes at once, and the upgrade rejects', async t => {
  for (const how of ['destroy', 'end'] as const) {
    const [a, b] = await connected(t)
    const upgraded = a.transport.upgrade(
      below =>
        new Promise((_resolve, reject) => {
          below.on('close', () => reject(new Error('gone')))
        }),
      NOTHING,
    )
    a.send('never sent')
    a.transport[how]()
    await assert.rejects(upgraded, { code: 'E_DISCONNECTED' })
    await a.closes()
    await until(() => b.events.includes('ended'))
    assert.equal(a.transport.writer.pending, 0)
    assert.equal(b.length, 0)
    assert.deepEqual(a.events, ['closed'])
  }
})

test('a layer that is ready too late is destroyed', async t => {
  const [a] = await connected(t)
  let late: Shifted | undefined
  const upgraded = a.transport.upgrade(async below => {
    a.transport.destroy()
    await pause(5)
    late = new Shifted(below)
    return late
  }, NOTHING)
  await assert.rejects(upgraded, {
    code: 'E_DISCONNECTED',
    message: 'the connection was lost while it was upgraded',
  })
  await a.closes()
  assert.equal(late?.destroyed, true)
  await pause(5)
  assert.deepEqual(a.events, ['closed'])
})

test('a layer that has closed already ends the connection', async t => {
  const [a] = await connected(t)
  const cause = new Error('odd')
  const [near] = duplexPair()
  near.on('error', () => {})
  near.destroy(cause)
  await new Promise(resolve => near.on('close', resolve))
  await assert.rejects(
    a.transport.upgrade(() => near, NOTHING),
    { code: 'E_DISCONNECTED', cause },
  )
  await a.closes()
  assert.deepEqual(a.events, ['closed'])
})

test('the other side closes before the upgrade', async t => {
  const [peer, socket] = await socketPair(t)
  const end = new End(socket)
  peer.end()
  await until(() => end.events.includes('ended'))
  await assert.rejects(end.transport.upgrade(shifted, Buffer.from('rest')), { code: 'E_DISCONNECTED' })
  await end.closes()
})

test('a stream that ended while it was put on is told of as ended', async t => {
  const [a] = await connected(t)
  const [near, far] = duplexPair()
  near.on('error', () => {})
  await a.transport.upgrade(async () => {
    far.end()
    near.resume()
    await until(() => near.readableEnded)
    return near
  }, NOTHING)
  assert.deepEqual(a.events, ['ended'])
})

test('two layers: each byte goes through both', async t => {
  const [a, b] = await connected(t, [
    [shifted, shifted],
    [shifted, shifted],
  ])
  a.send('abc')
  await b.receives('abc')
  b.transport.end(Buffer.from('bye'))
  await a.receives('bye')
  a.transport.end()
  await Promise.all([a.closes(), b.closes()])
  assert.equal(a.error ?? b.error, undefined)
})

test('Nagle waits for nobody', async t => {
  const [socket] = await socketPair(t)
  let noDelay = false
  socket.setNoDelay = on => {
    noDelay = on ?? true
    return socket
  }
  assert.ok(new End(socket))
  assert.equal(noDelay, true)
})
