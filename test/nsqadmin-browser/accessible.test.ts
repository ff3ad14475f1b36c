/** Every page, panel and question, in both themes and on a phone, looked at by axe. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { TestContext } from 'node:test'
import type { Page } from 'playwright-core'
import { formatAddress } from '../../src/util/address.ts'
import { type Rig, start } from '../nsqadmin/rig.ts'
import { browserTests } from './browser.ts'
import { keepConsuming, keepPublishing } from './load.ts'
import { button, isLive, question, row, sees, turnTo } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 700 }
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

interface Violation {
  id: string
  help: string
  nodes: { html: string; failureSummary: string }[]
}

/** What differs between the themes. */
const COLOURS = { runOnly: { type: 'rule', values: ['color-contrast', 'link-in-text-block'] } }

/** Fails when axe finds anything in either theme. */
async function check(page: Page, where: string): Promise<void> {
  if (!(await page.evaluate('"axe" in window'))) await page.evaluate(AXE)
  const said: string[] = []
  for (const [theme, options] of [
    ['light', {}],
    ['dark', COLOURS],
  ] as const) {
    await page.emulateMedia({ colorScheme: theme })
    const violations: Violation[] = await page.evaluate(
      `axe.run(document, ${JSON.stringify({ ...options, resultTypes: ['violations'] })}).then(({ violations }) => violations)`,
    )
    for (const { id, help, nodes } of violations) {
      for (const { html, failureSummary } of nodes)
        said.push(`${where}, ${theme}: ${id}: ${help}\n${html}\n${failureSummary}`)
    }
  }
  assert.deepEqual(said, [])
  await page.emulateMedia({ colorScheme: 'light' })
}

async function startShop(t: TestContext): Promise<Rig> {
  const lookupd = { tombstoneLifetime: 3_600_000 }
  const rig = await start(t, FAST, { nsqds: 2, lookupd, nsqd: { orphanAfter: 20 } })
  await rig.channel('orders', 'unread')
  await rig.channel('orders', 'billing')
  await rig.publish(
    'orders',
    '{"order":1,"items":[{"sku":"LAMP","count":2}],"express":true,"note":null}',
    'text',
  )
  await rig.publish('emails', 'x')
  await rig.nsqd.publish('orders', [Buffer.from([0, 1, 255])], 0)
  await rig.send('POST', '/api/topics/orders/unread', { action: 'pause' })
  await rig.send('POST', '/api/topics', { topic: 'newsletter', channel: 'sender' })
  rig.lookupd.registry.tombstone('emails', formatAddress(rig.nsqd.httpAddress))
  keepConsuming(t, rig.nsqd, 'orders', 'billing')
  // Each line of a message is looked at: few are as good as many.
  keepPublishing(t, rig.nsqd, 'orders', '{"order":1}', 1)
  return rig
}

/** Brings the page to everything that there is, one after the other. */
async function goThrough(page: Page, rig: Rig): Promise<void> {
  const look = (where: string): Promise<void> => check(page, where)
  const node = formatAddress(rig.nsqd.httpAddress)
  const go = (path: string): Promise<void> => turnTo(page, rig.base + path)
  const cancel = async (title: string): Promise<void> => {
    await button(question(page, title), 'Cancel').click()
    await question(page, title).waitFor({ state: 'detached' })
  }

  await row(page, 'Topics', 'orders').waitFor()
  await look('topics')
  await page.getByRole('searchbox').fill('nothing')
  await sees(page, 'No topic is like that.')
  await look('topics, none found')

  await go('/topics/orders')
  await sees(row(page, 'Channels', 'unread'), 'orphaned')
  await button(page, 'Delete').click()
  await question(page, 'Delete topic orders?').waitFor()
  await look('question before a topic is deleted')
  await cancel('Delete topic orders?')
  await button(page, 'Empty').click()
  await question(page, 'Empty topic orders?').waitFor()
  await look('question before a topic is emptied')
  await cancel('Empty topic orders?')
  await button(page.getByRole('tabpanel'), 'Watch').click()
  await page.locator('.message-line').nth(3).click()
  await page.locator('button.held').waitFor()
  await look('topic, watching, a message open')
  await page.getByRole('tab', { name: 'Publish' }).click()
  const body = page.getByRole('textbox', { name: 'Message', exact: true })
  await body.fill('{"order":1}')
  await button(page, 'Publish').click()
  await sees(page, /1 message published to/)
  await body.fill('{"order":')
  await page.getByLabel('Deferred by').fill('soon')
  await look('publishing, with something wrong')

  await go('/topics/orders/unread')
  await page.locator('.message-line').first().click()
  await look('channel, peeking, JSON')
  await page.locator('.message-line').nth(2).click()
  await page.locator('.hex').waitFor()
  await look('channel, peeking, bytes')
  await button(page, 'Unpause').click()
  await page.locator('.toast').waitFor()
  await look('a notice')
  await button(page, 'Pause').click()
  await question(page, 'Pause channel unread?').waitFor()
  await look('question before a channel is paused')
  await go('/topics/orders/billing')
  await page.getByRole('region', { name: 'Clients', exact: true }).locator('tbody th').first().waitFor()
  await look('channel with clients')

  await go('/nodes')
  await look('nodes')
  await go(`/nodes/${node}`)
  await row(page, `Topics of ${node}`, 'orders').waitFor()
  await look('node')
  await row(page, `Topics of ${node}`, 'orders').getByRole('button').click()
  await page.getByRole('dialog').waitFor()
  await look('question before a tombstone')

  await go('/lookup')
  await row(page, 'Inactive topics', 'newsletter').waitFor()
  await row(page, 'Tombstones', 'emails').waitFor()
  await page.getByLabel('Topic', { exact: true }).fill('a b')
  await look('lookup, a name that is none')
  await go('/counter')
  await look('counter')

  await page.goto(`${rig.base}/topics/ordrs`)
  await sees(page, 'There is no topic ordrs')
  await look('a topic that is not there')
}

inBrowser('axe has nothing to say', async (t, visitor) => {
  const rig = await startShop(t)
  const page = await visitor.open(`${rig.base}/`)
  await goThrough(page, rig)
})

inBrowser('axe has nothing to say on a phone', async (t, visitor) => {
  const rig = await startShop(t)
  const page = await visitor.open(`${rig.base}/`, { phone: true })
  await isLive(page)
  for (const path of ['/topics/orders', '/topics/orders/billing', '/nodes', '/lookup', '/counter', '/']) {
    await turnTo(page, rig.base + path)
    await check(page, path)
  }
})

inBrowser('axe has nothing to say where something is wrong', async (t, visitor) => {
  const rig = await start(t, { ...FAST, authToken: 'open-sesame' }, { nsqds: 2, direct: true })
  for (const nsqd of rig.nsqds) await nsqd.publish('orders', [Buffer.from('x')], 0)
  const [first, second] = rig.nsqds
  const page = await visitor.open(`${rig.base}/topics/orders`, { expected: /status of 401|net::/ })
  await page.getByLabel('Token').fill('open-seasame')
  await page.keyboard.press('Enter')
  await sees(page, 'That is not the token.')
  await check(page, 'signing in')
  await page.getByLabel('Token').fill('open-sesame')
  await page.keyboard.press('Enter')
  await isLive(page)
  await second?.close()
  await button(page, '1 warning').click()
  await check(page, 'a warning')
  await page.getByRole('link', { name: 'Nodes' }).click()
  await sees(page, '1 without answer')
  await check(page, 'a node that does not answer')
  await first?.close()
  await sees(page.locator('.connection'), 'No daemon answers')
  await page.getByRole('alert').waitFor()
  await check(page, 'no nsqd answers')
  await page.goto(`${rig.base}/topics/orders`)
  await page.locator('.blank').waitFor()
  await check(page, 'nothing is known')
})

inBrowser('axe has nothing to say where one may only look', async (t, visitor) => {
  const rig = await start(t, { ...FAST, readOnly: true })
  await rig.channel('orders', 'billing')
  const page = await visitor.open(`${rig.base}/topics/orders?messages=publish`)
  await isLive(page)
  await check(page, 'read-only')
})
