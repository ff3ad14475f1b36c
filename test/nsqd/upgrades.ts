import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Duplex, type Transform } from 'node:stream'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { constants, createDeflateRaw, createInflateRaw } from 'node:zlib'
import { SnappyStream, UnsnappyStream } from 'snappystream'
import { identify } from '../../src/protocol/command.ts'
import type { IdentifyRequest } from '../../src/protocol/identify.ts'
import type { RawClient } from './raw-client.ts'

/** What a client puts over its connection, none of it made by us. */
export interface Layers {
  /** Asks for TLS. */
  tls?: ConnectionOptions
  snappy?: boolean
  /** Its level; 0 for nsqd's. */
  deflate?: number
}

/**
 * Says IDENTIFY, puts the layers over the connection that were asked for, and gives nsqd's answer. The commands `before`
 * go out with it.
 */
export async function upgrade(
  client: RawClient,
  { tls, snappy = false, deflate }: Layers,
  request: Partial<IdentifyRequest> = {},
  before: readonly Buffer[] = [],
): Promise<Record<string, unknown>> {
  client.stopsAt = '{'
  client.send(
    ...before,
    identify({
      feature_negotiation: true,
      tls_v1: tls !== undefined,
      snappy,
      deflate: deflate !== undefined,
      deflate_level: deflate ?? 0,
      ...request,
    }),
  )
  for (const _ of before) assert.equal(await client.reply(), 'OK')
  const text = await client.reply()
  assert.match(text, /^\{/)
  const answer: Record<string, unknown> = JSON.parse(text)
  if (tls !== undefined) {
    assert.equal(answer['tls_v1'], true)
    client.stopsAt = snappy || deflate !== undefined ? 'OK' : undefined
    await startTls(client, tls)
    assert.equal(await client.reply(), 'OK')
  }
  client.stopsAt = undefined
  if (snappy) put(client, new SnappyStream(), new UnsnappyStream())
  if (deflate !== undefined) {
    const flush = constants.Z_SYNC_FLUSH
    put(client, createDeflateRaw({ flush }), createInflateRaw({ flush, finishFlush: flush }))
  }
  if (snappy || deflate !== undefined) assert.equal(await client.reply(), 'OK')
  return answer
}

/** Shakes hands; rejects when that fails. */
async function startTls(client: RawClient, options: ConnectionOptions): Promise<TLSSocket> {
  const socket = connect({ socket: client.release(), host: 'localhost', servername: 'localhost', ...options })
  await once(socket, 'secureConnect')
  client.through(socket)
  return socket
}

function put(client: RawClient, encoder: Transform, decoder: Transform): void {
  const below = client.release()
  encoder.pipe(below)
  below.pipe(decoder)
  client.through(Duplex.from({ writable: encoder, readable: decoder }))
}
