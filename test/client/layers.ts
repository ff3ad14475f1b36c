import type { ConnectionOptions } from '../../src/client/options.ts'
import { deflateLayer } from '../../src/net/deflate.ts'
import { snappyLayer } from '../../src/net/snappy.ts'
import { serverTls } from '../../src/net/tls.ts'
import { certificates } from '../support/certificates.ts'
import type { FakeNsqd } from './fake-nsqd.ts'

const { ca, server } = await certificates()
const tls = serverTls({ ...server, clientAuth: '', minVersion: 'TLSv1.2' })
const snappy = await snappyLayer()

/** Each way a connection can be, with what a client must be told for it, and what its bytes fail with when they are garbage. */
export const LAYERS: readonly { name: string; options: ConnectionOptions; garbage: string }[] = [
  { name: 'plain', options: {}, garbage: 'E_PROTOCOL' },
  { name: 'TLS', options: { tls: { ca: ca.cert } }, garbage: 'E_TLS' },
  { name: 'snappy', options: { snappy: true }, garbage: 'E_SNAPPY' },
  { name: 'deflate', options: { deflate: true }, garbage: 'E_DEFLATE' },
  { name: 'TLS and snappy', options: { tls: { ca: ca.cert }, snappy: true }, garbage: 'E_TLS' },
  { name: 'TLS and deflate', options: { tls: { ca: ca.cert }, deflate: 9 }, garbage: 'E_TLS' },
]

/** What an nsqd offers that offers everything. */
export const OFFERS: FakeNsqd['offers'] = {
  tls_v1: () => tls,
  snappy: () => snappy,
  deflate: () => deflateLayer(6),
}
