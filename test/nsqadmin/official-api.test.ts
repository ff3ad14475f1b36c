/** Plays what the official nsqadmin was asked, in its order, and compares what ours answers over our daemons. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { formatAddress } from '../../src/util/address.ts'
import { withAddresses } from '../support/addresses.ts'
import { until } from '../support/wait.ts'
import { type Rig, start } from './rig.ts'

interface Call {
  method: string
  path: string
  body?: unknown
  status: number
  type: string
  response: unknown
}

/** The recorded addresses and ports, made those of the daemons here. */
function recorded({ lookupd, nsqd }: Rig): Call[] {
  const text = withAddresses(readFileSync(new URL('official-api.json', import.meta.url), 'utf8'), {
    '127.0.0.1:4151': formatAddress(nsqd.httpAddress),
    '127.0.0.1:4161': formatAddress(lookupd.httpAddress),
  })
    .replaceAll('"tcp_port": 4150', `"tcp_port": ${nsqd.tcpAddress.port}`)
    .replaceAll('"http_port": 4151', `"http_port": ${nsqd.httpAddress.port}`)
    // The port that nsqd's connection to nsqlookupd comes from.
    .replaceAll('/127.0.0.1:49984', `/${lookupd.registry.nodes()[0]?.producer.id}`)
  const file: unknown = JSON.parse(text)
  assert.ok(typeof file === 'object' && file !== null && 'calls' in file)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file is ours
  return file.calls as Call[]
}

/** `"*"` stands for anything that is there. The keys must come in the same order, too. */
function assertAlike(got: unknown, expected: unknown, where: string): void {
  if (expected === '*') {
    assert.notEqual(got, undefined, where)
  } else if (typeof expected === 'object' && expected !== null) {
    assert.ok(typeof got === 'object' && got !== null, `${where}: ${JSON.stringify(got)}`)
    assert.equal(Array.isArray(got), Array.isArray(expected), where)
    assert.deepEqual(Object.keys(got), Object.keys(expected), where)
    const values = new Map(Object.entries(got))
    for (const [key, value] of Object.entries(expected))
      assertAlike(values.get(key), value, `${where}.${key}`)
  } else {
    assert.deepEqual(got, expected, where)
  }
}

test('every recorded call of the official nsqadmin is answered alike', async t => {
  const rig = await start(t)
  await rig.publish('events', 'one', 'two')
  await rig.channel('events', 'archive')
  const calls = recorded(rig)
  assert.equal(calls.length, 29)
  for (const { method, path, body, status, type, response } of calls) {
    const name = `${method} ${path} ${JSON.stringify(body) ?? ''}`
    const reply = await rig.send(method, path, body)
    assert.equal(reply.status, status, name)
    assert.equal(reply.headers.get('content-type'), type, name)
    const text = await reply.text()
    assertAlike(type.startsWith('text/') ? text : JSON.parse(text), response, name)
  }
  // And it was done.
  assert.equal(rig.nsqd.topics.has('events'), false)
  await until(() => !rig.lookupd.registry.topics().includes('made'))
})
