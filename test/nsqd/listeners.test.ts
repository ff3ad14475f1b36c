import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { until } from '../support/wait.ts'
import { start } from './running.ts'

describe('--max-connections', () => {
  test('closes what comes beyond at once, and takes the next when one has gone', async t => {
    const running = await start(t, { maxConnections: 2 })
    const first = await running.connect({})
    await running.connect({})
    const beyond = [await running.connect(), await running.connect()]
    for (const client of beyond) await client.closed()
    const refusals = running.log.filter(line => line.includes('refused'))
    assert.equal(refusals.length, 1)
    assert.match(refusals.join(''), /WARNING: a connection was refused: there are 2 \(--max-connections\)/)
    first.destroy()
    await until(() => running.nsqd.sessions.size === 1)
    await running.connect({})
    assert.equal(running.nsqd.sessions.size, 2)
    assert.match(await running.http('GET', '/metrics'), /^nsqd_connections_refused_total 2$/m)
    // Those who look after it still can.
    assert.equal(await running.http('GET', '/ping'), 'OK')
  })
})
