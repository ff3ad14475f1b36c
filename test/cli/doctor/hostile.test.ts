/** What daemons say is not to be trusted. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { serve } from '../../support/serve.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { fakeSurroundings } from '../fakes.ts'
import { diagnose, runDoctor } from './rig.ts'

/** An nsqlookupd that names these nsqds, besides what every nsqd has. */
function lookupdOf(t: TestContext, producers: readonly object[]): Promise<string> {
  const all = producers.map(producer => ({
    remote_address: '127.0.0.1:5',
    hostname: 'h',
    broadcast_address: '127.0.0.1',
    // Nobody listens there.
    tcp_port: 1,
    http_port: 2,
    version: '1.3.0',
    topics: [],
    tombstones: [],
    ...producer,
  }))
  return serve(t, (request, response) => {
    if (request.url === '/ping') response.end('OK')
    else if (request.url === '/info') response.end('{"version":"1.3.0"}')
    else if (request.url === '/nodes') response.end(JSON.stringify({ producers: all }))
    else response.writeHead(404).end('{"message":"NOT_FOUND"}')
  })
}

describe('doctor, told nonsense by nsqlookupd', () => {
  const nonsense = [
    { broadcast_address: 'a b\n' },
    { broadcast_address: '\u001b[2Jx y' },
    { broadcast_address: '[::1]' },
    { tcp_port: -5, http_port: -6 },
    { tcp_port: 70_000, http_port: 0 },
    { broadcast_address: 'user:word@127.0.0.1' },
  ]

  test('an address that is none is wrong with that nsqd only', async t => {
    const lookupd = await lookupdOf(t, [...nonsense, {}])
    const { code, wrong, err } = await diagnose(['--lookupd-http-address', lookupd])
    assert.deepEqual([code, err], [1, ''])
    const broadcast = wrong.filter(({ check }) => check === 'broadcast')
    assert.equal(broadcast.length, nonsense.length)
    for (const { message } of broadcast) assert.match(message, /which is no address|cannot be resolved/)
    // The one that is merely not there.
    assert.ok(wrong.some(({ check, message }) => check === 'connect' && message.includes('TCP 127.0.0.1:1')))
  })

  test('nothing of it reaches the terminal as it is', async t => {
    const lookupd = await lookupdOf(t, nonsense)
    const around = fakeSurroundings({})
    assert.equal(await runDoctor(['--lookupd-http-address', lookupd], around), 1)
    assert.ok(!around.out().includes('\u001b'))
  })

  test('it is not led to a socket of this machine', async t => {
    const path = join(temporaryFolder(), 'socket')
    let connections = 0
    const server = createServer(socket => {
      connections++
      socket.destroy()
    })
    server.listen(`${path}:1`)
    await once(server, 'listening')
    t.after(() => server.close())
    const lookupd = await lookupdOf(t, [{ broadcast_address: path }])
    const { code } = await diagnose(['--lookupd-http-address', lookupd])
    assert.deepEqual([code, connections], [1, 0])
  })

  test('thousands of topics and registrations are a few findings', async t => {
    const topics = Array.from({ length: 3000 }, (_, n) => `t${n}`)
    const hidden = { topics, tombstones: topics.map(() => true) }
    const twice = Array.from({ length: 3000 }, (_, n) => ({ ...hidden, remote_address: `127.1.1.1:${n}` }))
    const lookupd = await lookupdOf(t, [hidden, ...twice.map(each => ({ ...each, topics: [] }))])
    const { wrong } = await diagnose(['--lookupd-http-address', lookupd])
    assert.ok(wrong.length < 20, `${wrong.length}`)
    assert.ok(JSON.stringify(wrong).length < 10_000)
    assert.ok(wrong.some(({ message }) => message === 'and 2,990 others likewise'))
  })
})
