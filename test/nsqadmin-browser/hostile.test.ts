/** Nothing that messages, clients or daemons say is ever more than text to the page. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { start } from '../nsqadmin/rig.ts'
import { startOfficial } from '../nsqadmin/live/fake-official.ts'
import { browserTests } from './browser.ts'
import { button, eventually, isLive, sees, turnTo } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 200 }

const MARKUP = '"><img src=x onerror="window.harmed=1"><script>window.harmed=1</script><b id=harm>'

const BODIES: readonly (readonly [what: string, body: Buffer])[] = [
  ['markup', Buffer.from(MARKUP)],
  ['markup in JSON', Buffer.from(JSON.stringify({ [MARKUP]: [MARKUP], __proto__: null, constructor: 1 }))],
  [
    'a key named __proto__',
    Buffer.from('{"__proto__":{"harmed":1},"constructor":{"prototype":{"harmed":1}}}'),
  ],
  ['a terminal', Buffer.from('\x1b]0;title\x07\x1b[2J\x1b[31mred\x9b1m')],
  ['text that turns round', Buffer.from('invoice-\u202Egpj.exe\u2066\u200B')],
  ['bytes', Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 73) % 256))],
  ['half a character', Buffer.from([0x61, 0xf0, 0x9f, 0x9a])],
  ['a deep list', Buffer.from('['.repeat(5000) + ']'.repeat(5000))],
  ['a long line', Buffer.from('x'.repeat(900_000))],
  ['many members', Buffer.from(JSON.stringify(Array.from({ length: 20_000 }, (_, i) => ({ i }))))],
  ['a javascript link', Buffer.from('javascript:window.harmed=1')],
]

/** Fails when anything of it has become more than text. */
async function isUnharmed(page: Page): Promise<void> {
  assert.equal(await page.evaluate('window.harmed'), undefined)
  assert.equal(await page.evaluate('({}).harmed'), undefined)
  assert.equal(await page.locator('#harm, main img, main script, main iframe, [onerror]').count(), 0)
  assert.equal(await page.locator('a[href^="javascript"]').count(), 0)
}

inBrowser('bodies are shown as what they are, and harm nobody', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.channel('hostile', 'any')
  for (const [, body] of BODIES) await rig.nsqd.publish('hostile', [body], 0)
  const page = await visitor.open(`${rig.base}/topics/hostile/any`)
  await isLive(page)
  await page.getByRole('tabpanel').getByLabel('the next').selectOption('50')
  await sees(page, `All there is: ${BODIES.length} messages.`)
  await isUnharmed(page)
  for (let i = 0; i < BODIES.length; i++) {
    const line = page.locator('.message-line').nth(i)
    await line.click()
    const open = page.locator('.message.open')
    await open.locator('.body-content').waitFor()
    for (const view of ['JSON', 'Text', 'Hex']) {
      const choice = button(open, view)
      if ((await choice.count()) > 0) await choice.click()
      await isUnharmed(page)
    }
    await line.click()
    await open.waitFor({ state: 'detached' })
  }

  // The bytes themselves, and what cannot be seen, by name.
  await page.locator('.message-line').first().click()
  await button(page.locator('.message.open'), 'Text').click()
  await page.locator('.body-text').getByText(MARKUP).waitFor()
  await page.locator('.message-line').first().click()
  await page.locator('.message-line').nth(4).getByText('RLO').waitFor()
  await page.locator('.message-line').nth(3).getByText('ESC').first().waitFor()

  // No body makes the page wider than the window.
  assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'))
})

inBrowser('they are safe where they are watched, too', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.channel('hostile', 'any')
  const page = await visitor.open(`${rig.base}/topics/hostile`)
  await isLive(page)
  await button(page.getByRole('tabpanel'), 'Watch').click()
  await sees(page, 'Nothing yet.')
  for (const [, body] of BODIES) await rig.nsqd.publish('hostile', [body], 0)
  await eventually(
    () => page.locator('.message-line').count(),
    count => count === BODIES.length,
  )
  for (let i = 0; i < BODIES.length; i++) await page.locator('.message-line').nth(i).click()
  await isUnharmed(page)
})

inBrowser('daemons and clients may call themselves anything', async (t, visitor) => {
  const client = {
    client_id: MARKUP,
    hostname: MARKUP,
    version: 'V2',
    remote_address: MARKUP,
    user_agent: MARKUP,
    state: 3,
    ready_count: 1,
    in_flight_count: 1,
    message_count: 1,
    finish_count: 1,
    requeue_count: 0,
    connect_ts: 1_700_000_000,
    sample_rate: 0,
    authed: true,
    auth_identity: MARKUP,
    auth_identity_url: 'javascript:window.harmed=1',
  }
  const counts = { depth: 1, backend_depth: 0, message_count: 1, e2e_processing_latency: {} }
  const channel = {
    ...counts,
    channel_name: MARKUP,
    in_flight_count: 1,
    deferred_count: 0,
    requeue_count: 0,
    timeout_count: 0,
    client_count: 1,
    clients: [client],
    paused: true,
  }
  const topic = { ...counts, topic_name: MARKUP, message_bytes: 1, paused: true, channels: [channel] }
  const nsqd = await startOfficial(t, address => ({
    '/info': {
      version: MARKUP,
      broadcast_address: '127.0.0.1',
      hostname: MARKUP,
      http_port: Number(address.split(':')[1]),
      tcp_port: 1,
      start_time: 1_700_000_000,
    },
    '/stats': {
      version: MARKUP,
      health: MARKUP,
      start_time: 1_700_000_000,
      topics: [topic],
      producers: [client],
    },
  }))
  const rig = await start(t, { ...FAST, lookupdHttpAddress: [], nsqdHttpAddress: [nsqd] })
  const name = encodeURIComponent(MARKUP)
  const page = await visitor.open(`${rig.base}/nodes`, { expected: /status of 4\d\d/ })
  await sees(page, MARKUP)
  await isUnharmed(page)
  for (const path of [`/nodes/${nsqd}`, `/?q=${name}`, '/counter']) {
    await turnTo(page, rig.base + path)
    await isUnharmed(page)
  }
  // In the address, where one may send somebody else to.
  for (const path of [
    `/topics/${name}`,
    `/topics/${name}/${name}`,
    `/nodes/${name}`,
    `/topics/orders/${name}`,
  ]) {
    await page.goto(rig.base + path)
    await page.locator('h1').getByText(MARKUP).waitFor()
    await page.locator('main .blank, main .tiles').waitFor()
    await isUnharmed(page)
  }
})
