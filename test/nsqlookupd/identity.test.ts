import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIdentity } from '../../src/nsqlookupd/identity.ts'

const full = {
  version: '1.3.0',
  tcp_port: 4150,
  http_port: 4151,
  hostname: 'h',
  broadcast_address: '10.0.0.1',
}

function parse(text: string) {
  const bytes = Buffer.from(`..${text}..`)
  return parseIdentity(bytes, 2, bytes.length - 2)
}

test('reads every field, and ignores others', () => {
  const zoned = { ...full, topology_zone: 'z', topology_region: 'r', tls: true }
  assert.deepEqual(parse(JSON.stringify(zoned)), {
    hostname: 'h',
    broadcastAddress: '10.0.0.1',
    tcpPort: 4150,
    httpPort: 4151,
    version: '1.3.0',
    topologyZone: 'z',
    topologyRegion: 'r',
  })
  assert.equal(parse(JSON.stringify({ ...full, hostname: undefined })).hostname, '')
})

test('refuses what lacks something', () => {
  const missing = { code: 'E_BAD_BODY', message: 'IDENTIFY missing fields' }
  for (const name of ['version', 'tcp_port', 'http_port', 'broadcast_address']) {
    assert.throws(() => parse(JSON.stringify({ ...full, [name]: undefined })), missing, name)
    assert.throws(() => parse(JSON.stringify({ ...full, [name]: null })), missing, name)
  }
  assert.throws(() => parse('{}'), missing)
  assert.throws(() => parse('null'), missing)
})

test('refuses what is not such JSON', () => {
  const bad = { code: 'E_BAD_BODY', message: 'IDENTIFY failed to decode JSON body' }
  const wrongTypes = [{ tcp_port: '4150' }, { tcp_port: 1.5 }, { version: 1 }, { hostname: {} }]
  const texts = [
    '',
    'nope',
    '[]',
    '1',
    '"x"',
    '{',
    ...wrongTypes.map(wrong => JSON.stringify({ ...full, ...wrong })),
  ]
  for (const text of texts) assert.throws(() => parse(text), bad, text)
})
