import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pause } from '../support/wait.ts'
import { readMetrics } from '../support/metrics.ts'
import { checkMetrics, promtoolMissing } from '../support/promtool.ts'
import { ask } from './raw-request.ts'
import { type Rig, start } from './rig.ts'

async function metrics(rig: Rig): Promise<Map<string, number>> {
  return readMetrics(await (await rig.get('/metrics')).text())
}

test('what nsqadmin says of itself', async t => {
  const rig = await start(t, { allowedHost: ['127.0.0.1'], pollInterval: 100 })
  await ask(rig, 'GET', '/ping', { Host: 'evil.example' })
  const events = new AbortController()
  t.after(() => events.abort())
  await fetch(`${rig.base}/api/live?view=topics`, { signal: events.signal })
  let shown = await metrics(rig)
  assert.equal(shown.get('nsqadmin_requests_total'), 3)
  assert.equal(shown.get('nsqadmin_refused_requests_total'), 1)
  assert.equal(shown.get('nsqadmin_streams'), 1)
  assert.equal(shown.get('nsqadmin_watches'), 0)
  while ((shown.get('nsqadmin_looks_total') ?? 0) < 2) {
    await pause(20)
    shown = await metrics(rig)
  }
  assert.ok((shown.get('nsqadmin_last_look_age_seconds') ?? -1) >= 0)
})

test('promtool takes it', { skip: promtoolMissing }, async t => {
  const rig = await start(t)
  checkMetrics(await (await rig.get('/metrics')).text())
})
