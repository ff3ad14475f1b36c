import http, { type IncomingHttpHeaders } from 'node:http'
import net from 'node:net'
import { text } from 'node:stream/consumers'
import { once } from 'node:events'
import type { Rig } from './rig.ts'

/** Everything that changes something, and /api/watch, which makes a channel. */
export const CHANGES: readonly [method: string, path: string, body?: string][] = [
  ['POST', '/api/topics', '{"topic":"made"}'],
  ['POST', '/api/topics/t', '{"action":"pause"}'],
  ['POST', '/api/topics/t/c', '{"action":"empty"}'],
  ['POST', '/api/publish', '{"topic":"t","body":"x","encoding":"utf8"}'],
  ['DELETE', '/api/topics/t'],
  ['DELETE', '/api/topics/t/c'],
  ['DELETE', '/api/nodes/127.0.0.1:4151', '{"topic":"t"}'],
  ['PUT', '/config/log_level', 'info'],
  ['GET', '/api/watch?topic=t'],
]

export interface RawReply {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

/** A request with any headers at all, as a browser would send them; the path is sent as it is. */
export async function ask(
  { admin }: Rig,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body = '',
): Promise<RawReply> {
  const { host, port } = admin.httpAddress
  const length = body === '' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const request = http.request({ host, port, method, path, headers: { ...headers, ...length }, agent: false })
  request.end(body)
  const [response]: http.IncomingMessage[] = await once(request, 'response')
  if (response === undefined) throw new Error('no response')
  return { status: response.statusCode ?? 0, headers: response.headers, body: await text(response) }
}

/** Sends these bytes and resolves to all that comes until the server closes, or resets what it has not read. */
export async function converse({ admin }: Rig, bytes: string): Promise<string> {
  const { host, port } = admin.httpAddress
  const socket = net.connect(port, host)
  let answer = ''
  socket.setEncoding('utf8').on('data', part => (answer += String(part)))
  socket.on('error', () => {})
  socket.end(bytes)
  await new Promise(resolve => socket.once('close', resolve))
  return answer
}
