/**
 * A few bytes that stand for very many, and counts that somebody only says. BOMB_MIB=1024 makes the bombs so large that what
 * they take meanwhile tells something; smaller ones may be garbage as a whole before anything of it is collected.
 */
import assert from 'node:assert/strict'
import { type AddressInfo, connect } from 'node:net'
import { once } from 'node:events'
import { test } from 'node:test'
import v8 from 'node:v8'
import { runInNewContext } from 'node:vm'
import { constants, createDeflateRaw } from 'node:zlib'
import { compressSync } from 'snappy'
import { createHttpServer, closeHttpServer } from '../../src/http/server.ts'
import { deflateLayer } from '../../src/net/deflate.ts'
import { snappyLayer } from '../../src/net/snappy.ts'
import { publishRoutes } from '../../src/nsqd/http-publish.ts'
import { identify, MAGIC_V2, mpub, nop, pub } from '../../src/protocol/command.ts'
import { FrameReader } from '../../src/protocol/frame.ts'
import { SNAPPY_IDENTIFIER, snappyChunk } from '../../src/protocol/snappy-frames.ts'
import type { Address } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { start } from '../nsqd/running.ts'
import { until } from '../support/wait.ts'
import { FakeSocket } from './targets/fake-socket.ts'

const MIB = 2 ** 20
/** What stands for so much, what may be in use behind it, and the most while one so large is read. */
const BOMB = Number(process.env['BOMB_MIB'] ?? 20) * MIB
const MAY_HOLD = 14 * MIB
const LARGE = 512 * MIB
const MAY_TAKE = 300 * MIB
const LOOK_MS = 20

v8.setFlagsFromString('--expose-gc')
// oxlint-disable-next-line typescript/no-unsafe-type-assertion -- that is what the flag is for
const collect = runInNewContext('gc') as () => void

/** Bytes in use, in the heap and in buffers, without garbage. */
function inUse(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Gives a function that waits until no more is in use than now, but for a little, and checks what was in between. */
function watchMemory(): () => Promise<void> {
  const before = inUse()
  const { rss } = process.memoryUsage()
  let most = rss
  const timer = setInterval(() => {
    most = Math.max(most, process.memoryUsage.rss())
  }, LOOK_MS).unref()
  return async () => {
    clearInterval(timer)
    // What is collected is let go of in the background.
    await until(
      () => inUse() - before < MAY_HOLD,
      () => `${inUse() - before} bytes more are in use`,
    )
    if (BOMB >= LARGE) assert.ok(most - rss < MAY_TAKE, `${most - rss} bytes more`)
  }
}

/** Raw deflate of this, again and again. */
async function deflated(part: Buffer, times: number): Promise<Buffer> {
  const stream = createDeflateRaw({ level: 9 })
  const coded: Buffer[] = []
  stream.on('data', (bytes: Buffer) => void coded.push(bytes))
  for (let i = 0; i < times; i++) {
    if (!stream.write(part)) await once(stream, 'drain')
  }
  await new Promise<void>(resolve => {
    stream.flush(constants.Z_SYNC_FLUSH, resolve)
  })
  stream.destroy()
  return Buffer.concat(coded)
}

function snapped(part: Buffer, times: number): Buffer {
  const chunk = snappyChunk(part, bytes => compressSync(bytes, { copyOutputData: true }))
  return Buffer.concat([SNAPPY_IDENTIFIER, ...Array.from({ length: times }, () => chunk)])
}

/** Sends a conversation whose IDENTIFY asks for a compression, then this; gives what came until the connection closed. */
async function detonate(address: Address, coding: 'deflate' | 'snappy', bomb: Buffer): Promise<void> {
  const socket = connect(address)
  socket.on('error', () => {})
  const closed = once(socket, 'close')
  socket.write(Buffer.concat([MAGIC_V2, identify({ feature_negotiation: true, [coding]: true })]))
  await once(socket, 'data')
  socket.end(bomb)
  socket.resume()
  await closed
}

const CODINGS = ['deflate', 'snappy'] as const

for (const coding of CODINGS) {
  const pack = async (part: Buffer): Promise<Buffer> => {
    const times = Math.ceil(BOMB / part.length)
    return coding === 'deflate' ? deflated(part, times) : snapped(part, times)
  }

  test(`${coding}: what inflates to very much is read piece by piece`, async t => {
    const running = await start(t)
    const commands = Buffer.concat(Array.from({ length: 65_536 / 4 }, () => nop()))
    const bomb = await pack(commands)
    assert.ok(bomb.length < BOMB / 10)
    const settled = watchMemory()
    await detonate(running.nsqd.tcpAddress, coding, bomb)
    await until(() => running.nsqd.sessions.size === 0)
    await settled()
    assert.equal(await running.http('GET', '/ping'), 'OK')
  })

  test(`${coding}: limits hold for what comes out`, async t => {
    const running = await start(t, { maxMsgSize: 1000, maxBodySize: 5000 })
    const zeros = await pack(Buffer.alloc(65_536))
    for (const [head, said] of [
      [Buffer.alloc(0), 'E_INVALID command line is longer'],
      [pub('t', Buffer.alloc(1001)), 'E_BAD_MESSAGE PUB message too big 1001 > 1000'],
      [mpub('t', [Buffer.alloc(5001)]), 'E_BAD_BODY MPUB body too big 5009 > 5000'],
    ] as const) {
      const settled = watchMemory()
      const first = coding === 'deflate' ? await deflated(head, 1) : snapped(head, 1)
      const rest = coding === 'deflate' ? zeros : zeros.subarray(SNAPPY_IDENTIFIER.length)
      const hasHead = head.length > 0
      await detonate(running.nsqd.tcpAddress, coding, hasHead ? Buffer.concat([first, rest]) : zeros)
      await until(
        () => running.log.some(line => line.includes(said)),
        () => `${said}\n${running.log.join('')}`,
      )
      await settled()
    }
    assert.equal(running.nsqd.topics.get('t')?.depth ?? 0, 0)
  })

  test(`${coding}: a layer that nobody reads stops, whatever it could bring`, async () => {
    const layer = coding === 'deflate' ? deflateLayer(6) : await snappyLayer()
    const bomb = await pack(Buffer.alloc(65_536))
    const below = new FakeSocket()
    const stream = await layer(below)
    stream.on('error', () => {})
    const settled = watchMemory()
    for (let at = 0; at < bomb.length; at += 16_384) {
      below.push(bomb.subarray(at, at + 16_384))
      await new Promise(resolve => setImmediate(resolve))
    }
    stream.read(1)
    for (let i = 0; i < 20; i++) await new Promise(resolve => setImmediate(resolve))
    assert.ok(stream.readableLength <= 4 * 65_536, `${stream.readableLength} bytes wait`)
    await settled()
    stream.destroy()
  })
}

test('sizes that are only said are not allocated', async t => {
  const running = await start(t)
  const settled = watchMemory()
  for (const [command, said] of [
    [Buffer.concat([Buffer.from('PUB t\n'), word(0x7fffffff)]), 'PUB message too big'],
    [Buffer.concat([Buffer.from('PUB t\n'), word(0xffffffff)]), 'PUB invalid message body size'],
    [Buffer.concat([Buffer.from('MPUB t\n'), word(0x7fffffff)]), 'MPUB body too big'],
    [
      Buffer.concat([Buffer.from('MPUB t\n'), word(8), word(0x7fffffff), word(1)]),
      'MPUB invalid message count',
    ],
    [Buffer.concat([Buffer.from('IDENTIFY\n'), word(0x7fffffff)]), 'IDENTIFY body too big'],
    [
      Buffer.concat([Buffer.from('IDENTIFY\n'), word(65_536), Buffer.alloc(65_536, '[')]),
      'failed to decode JSON',
    ],
  ] as const) {
    const client = await running.connect()
    client.send(command)
    assert.match(await client.reply(), new RegExp(said))
    await client.closed()
  }
  // And a client does not believe an nsqd either.
  const reader = new FrameReader({ frame: () => assert.fail('a frame') }, 1000)
  const frame = Buffer.concat([word(0x7fffffff), word(0)])
  assert.throws(() => reader.push(frame), { code: 'E_BAD_FRAME' })
  await settled()
})

test('millions of messages of one byte are no objects', async () => {
  let published = 0
  let held = 0
  const target = {
    options: { maxBodySize: 5_242_880, maxMsgSize: 1_048_576, maxReqTimeout: 1000 },
    logger: new Logger({ prefix: '', level: LogLevel.fatal }),
    topic: () => {},
    publish: () => assert.fail('one by one'),
    publishSized: async (_topic: string, _bytes: Buffer, _start: number, _end: number, count: number) => {
      published = count
      held = inUse()
    },
  }
  const server = createHttpServer({ routes: publishRoutes(target), logger: target.logger })
  const port = await listening(server)
  const body = Buffer.from('a\n'.repeat(target.options.maxBodySize / 2))
  const before = inUse()
  await fetch(`http://127.0.0.1:${port}/mpub?topic=t`, { method: 'POST', body })
  await closeHttpServer(server)
  assert.equal(published, body.length / 2)
  // The body, and the same with a size before each message; as objects they would be 300 MiB.
  const grown = held - before
  assert.ok(grown < 40 * MIB, `${grown} bytes more`)
})

test('a flood of headers is refused, and the connection closed', async t => {
  const running = await start(t)
  for (const flood of [
    `X: ${'x'.repeat(MIB)}\r\n`,
    Array.from({ length: 20_000 }, (_, i) => `X-${i}: ${i}\r\n`).join(''),
    `Cookie: ${'a=b; '.repeat(10_000)}\r\n`,
  ]) {
    const socket = connect(running.nsqd.httpAddress)
    socket.on('error', () => {})
    let answer = ''
    socket.on('data', chunk => {
      answer += chunk.toString('latin1')
    })
    const closed = new Promise(resolve => socket.once('close', resolve))
    socket.write(`GET /ping HTTP/1.1\r\nHost: x\r\n${flood}\r\n`)
    await closed
    // What is still on its way when the server closes may take the answer from our hands.
    assert.match(answer, /^(HTTP\/1\.1 431 |$)/)
  }
  assert.equal(await running.http('GET', '/ping'), 'OK')
})

test('deep JSON is refused, wherever it is read', async t => {
  const running = await start(t)
  const deep = '['.repeat(500_000) + ']'.repeat(500_000)
  const reply = await fetch(
    `http://127.0.0.1:${running.nsqd.httpAddress.port}/config/nsqlookupd_tcp_addresses`,
    {
      method: 'PUT',
      body: deep,
    },
  )
  assert.equal(reply.status, 400)
  assert.deepEqual(await reply.json(), { message: 'INVALID_VALUE' })
  assert.equal(await running.http('GET', '/ping'), 'OK')
})

function word(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

async function listening(server: ReturnType<typeof createHttpServer>): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- of a server that listens on a port
  return (server.address() as AddressInfo).port
}
