import assert from 'node:assert/strict'
import { once } from 'node:events'
import http, { type IncomingMessage } from 'node:http'
import net from 'node:net'
import { test, type TestContext } from 'node:test'
import { type EventSink, eventStream } from '../../src/http/events.ts'
import { text } from '../../src/http/reply.ts'
import { closeHttpServer, createHttpServer } from '../../src/http/server.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { until } from '../support/wait.ts'

interface Rig {
  url: string
  port: number
  /** One for each stream that was begun. */
  sinks: EventSink[]
  /** How many streams were told that they are closed. */
  stopped: number
  lines: string[]
  close: () => Promise<void>
}

async function rig(
  t: TestContext,
  times?: Parameters<typeof eventStream>[1],
  start = (sink: EventSink): void => void sink,
): Promise<Rig> {
  const lines: string[] = []
  const logger = new Logger({ prefix: '', level: LogLevel.error, write: line => lines.push(line) })
  const handle = (): ReturnType<typeof eventStream> =>
    eventStream(sink => {
      running.sinks.push(sink)
      start(sink)
      return () => running.stopped++
    }, times)
  const server = createHttpServer({
    logger,
    gzip: true,
    headers: { 'X-Everywhere': 'yes' },
    routes: [
      { method: 'GET', path: '/events', handle },
      { method: 'GET', path: '/ping', handle: () => ({ ...text('OK'), headers: { 'X-Here': 'too' } }) },
    ],
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  const { port } = address
  const close = (): Promise<void> => closeHttpServer(server)
  const running: Rig = { url: `http://127.0.0.1:${port}`, port, sinks: [], stopped: 0, lines, close }
  t.after(close)
  return running
}

interface Reader {
  response: IncomingMessage
  got: () => string
}

async function read(t: TestContext, { url }: Rig): Promise<Reader> {
  const request = http.get(`${url}/events`, { agent: false, headers: { 'Accept-Encoding': 'gzip' } })
  t.after(() => request.destroy())
  const [response]: IncomingMessage[] = await once(request, 'response')
  assert.ok(response !== undefined)
  let got = ''
  response.setEncoding('utf8').on('data', chunk => (got += String(chunk)))
  response.on('error', () => {})
  return { response, got: () => got }
}

test('events come as they are sent, in the form of the standard', async t => {
  const running = await rig(t)
  const { response, got } = await read(t, running)
  assert.equal(response.statusCode, 200)
  assert.equal(response.headers['content-type'], 'text/event-stream')
  assert.equal(response.headers['cache-control'], 'no-store')
  assert.equal(response.headers['content-encoding'], undefined)
  assert.equal(response.headers['x-everywhere'], 'yes')
  await until(() => running.sinks.length === 1)
  const [sink] = running.sinks
  assert.equal(sink?.send('first', { a: 'line\nbreak é' }), true)
  assert.equal(sink.send('second', null), true)
  const expected =
    'retry: 1000\n\nevent: first\ndata: {"a":"line\\nbreak é"}\n\nevent: second\ndata: null\n\n'
  await until(() => got() === expected, got)
})

test('a reader that goes away closes its stream, once, and no other', async t => {
  const running = await rig(t)
  const [first, second] = [await read(t, running), await read(t, running)]
  await until(() => running.sinks.length === 2)
  first.response.destroy()
  await until(() => running.stopped === 1)
  assert.deepEqual(
    running.sinks.map(sink => sink.closed),
    [true, false],
  )
  assert.equal(running.sinks[0]?.send('late', 1), false)
  running.sinks[1]?.send('still', 1)
  await until(() => second.got().includes('event: still'))
  assert.equal(running.stopped, 1)
})

test('closing the server ends every stream, and what was sent arrives', async t => {
  const running = await rig(t)
  const readers = [await read(t, running), await read(t, running)]
  await until(() => running.sinks.length === 2)
  for (const sink of running.sinks) sink.send('last', 'x'.repeat(100_000))
  const ends = readers.map(({ response }) => once(response, 'end'))
  await running.close()
  await Promise.all(ends)
  for (const { got } of readers) assert.ok(got().endsWith('xxx"\n\n'))
  assert.equal(running.stopped, 2)
  assert.ok(running.sinks.every(sink => sink.closed))
})

test('a reader that does not keep up is told apart, and costs no more than a little memory', async t => {
  const running = await rig(t)
  const socket = net.connect(running.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')
  socket.pause()
  await until(() => running.sinks.length === 1)
  const [sink] = running.sinks
  assert.ok(sink !== undefined)
  // What the kernel takes differs; sooner or later it is full, and then the bound holds.
  const data = 'x'.repeat(100_000)
  const results = Array.from({ length: 1000 }, () => sink.send('more', data))
  assert.equal(results.at(-1), false)
  assert.equal(sink.closed, false)
  socket.resume()
  await until(() => sink.send('again', 1))
})

test('a beat comes now and then even when nothing happens', async t => {
  const running = await rig(t, { beatMs: 5 })
  const { got } = await read(t, running)
  await until(() => /(event: beat\ndata: null\n\n){2}/.test(got()), got)
})

test('a reader that takes nothing for long is cut off', async t => {
  const running = await rig(t, { beatMs: 5, stuckMs: 20 })
  const socket = net.connect(running.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n')
  socket.pause()
  await until(() => running.sinks.length === 1)
  const data = 'x'.repeat(100_000)
  // The kernel takes some megabytes before anything waits.
  await until(() => {
    running.sinks[0]?.send('more', data)
    return running.stopped === 1
  })
})

test('a stream that cannot begin is cut off, and logged', async t => {
  const running = await rig(t, undefined, () => {
    throw new Error('nothing to show')
  })
  const { response } = await read(t, running)
  await until(() => response.destroyed)
  assert.equal(response.complete, false)
  await until(() => running.lines.some(line => line.includes('nothing to show')))
})

test('a stream that is asked for behind another request begins in its turn, and sees the end of its connection', async t => {
  const running = await rig(t)
  const socket = net.connect(running.port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write('GET /events HTTP/1.1\r\nHost: x\r\n\r\n'.repeat(3))
  await until(() => running.sinks.length > 0)
  await fetch(`${running.url}/ping`)
  // Its connection ends with it.
  assert.equal(running.sinks.length, 1)
  socket.destroy()
  await until(() => running.stopped === 1)

  const late = net.connect(running.port, '127.0.0.1')
  late.write('GET /ping HTTP/1.1\r\nHost: x\r\n\r\nGET /events HTTP/1.1\r\nHost: x\r\n\r\n')
  await until(() => running.sinks.length === 2)
  late.destroy()
  await until(() => running.stopped === 2)
})

test('headers of a server and of a reply', async t => {
  const { url } = await rig(t)
  const response = await fetch(`${url}/ping`)
  assert.equal(response.headers.get('x-everywhere'), 'yes')
  assert.equal(response.headers.get('x-here'), 'too')
  assert.equal((await fetch(`${url}/none`)).headers.get('x-everywhere'), 'yes')
})
