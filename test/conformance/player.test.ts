import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { after, before, test } from 'node:test'
import type { Address } from '../../src/util/address.ts'
import { Player } from './player.ts'
import type { Step, Transcript } from './transcript.ts'

const transcript: Transcript = { daemon: 'nsqd', mask: ['version'], recordedFrom: 'nothing', cases: [] }

/** A server that sends back what it gets, so that a case can say what the daemon "answers"; BYE ends the connection. */
const tcpServer = net.createServer(socket => {
  socket.on('data', bytes => {
    if (bytes.toString('latin1') === 'BYE') socket.end()
    else socket.write(bytes)
  })
})
const httpServer = http.createServer((request, response) => {
  request.on('data', (body: Buffer) => response.end(body)).on('end', () => response.end())
})
let addresses: { tcp: Address; http: Address }

before(async () => {
  addresses = { tcp: await listen(tcpServer), http: await listen(httpServer) }
})

after(() => {
  tcpServer.close()
  httpServer.closeAllConnections()
  httpServer.close()
})

async function listen(server: net.Server): Promise<Address> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(address !== null && typeof address === 'object')
  return { host: address.address, port: address.port }
}

const play = (...steps: Step[]): Promise<void> => new Player(transcript, addresses).play(steps)
const connect: Step = { connect: 'a' }

// [type u32 = 2][timestamp i64][attempts u16 = 1][id 16][body]
const message: Step = {
  send: 'a',
  parts: [
    { sized: [{ u32: 2 }, { u32: 0 }, { u32: 7 }, '\0\u0001', '0123456789abcdef', { repeat: ['xy', 2] }] },
  ],
}
const messageFrame = { type: 'message', attempts: 1, id: '$m1', body: 'xyxy' }

test('frames, message ids by name, and heartbeats left out', async () => {
  await play(
    connect,
    { send: 'a', parts: { sized: [{ u32: 0 }, '_heartbeat_'] } },
    message,
    { recv: 'a', frames: [messageFrame] },
    message,
    { recv: 'a', frames: [messageFrame], take: 1 },
    { send: 'a', parts: { sized: [{ u32: 1 }, 'E_FIN_FAILED FIN ', { id: 'm1' }, ' failed'] } },
    { recv: 'a', frames: [{ type: 'error', data: 'E_FIN_FAILED FIN $m1 failed' }] },
    { closed: 'a', value: false },
    { send: 'a', parts: 'BYE' },
    { closed: 'a', value: true },
  )
})

test('masked keys, and lists of names without order', async () => {
  const parts = '{"version":"9","topics":["b","a"],"deep":[{"version":1}]}'
  const body = { version: '*', topics: ['a', 'b'], deep: [{ version: '*' }] }
  await play({ http: 'POST', path: '/', parts, response: { status: 200, type: null, body } })
})

test('a difference fails, and names the step', async () => {
  const differs = { name: 'AssertionError', message: /^step \d: / }
  await assert.rejects(play(connect, message, message, { recv: 'a', frames: [messageFrame] }), differs)
  await assert.rejects(play(connect, message, { recv: 'a', frames: [] }), differs)
  const response = { status: 404, type: null, body: 'x' }
  await assert.rejects(play({ http: 'POST', path: '/', parts: 'x', response }), differs)
})
