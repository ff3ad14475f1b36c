/** Messages in the page: as they come, where they wait, and published from there. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { formatAddress } from '../../src/util/address.ts'
import { officialNsqd } from '../nsqadmin/live/fake-official.ts'
import { type Rig, start } from '../nsqadmin/rig.ts'
import { browserTests } from './browser.ts'
import { channelIs, topicsOf } from './daemons.ts'
import { keepPublishing } from './load.ts'
import { button, eventually, isAt, isLive, sees } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 200 }
const WATCHING = /^nsqadmin-[0-9a-f]{8}#ephemeral$/

/** The channels of a topic that have been made for somebody who watches. */
async function watchers(rig: Rig, topic: string): Promise<string[]> {
  const names = (await topicsOf(rig.nsqd)).find(each => each.topic_name === topic)?.channels
  return (names ?? []).map(each => each.channel_name).filter(name => WATCHING.test(name))
}

function noWatchers(rig: Rig, topic: string): Promise<string[]> {
  return eventually(
    () => watchers(rig, topic),
    ({ length }) => length === 0,
    'the channel is gone',
  )
}

/** What waits in a channel, whole, as nsqd itself shows it. */
async function bodiesIn(rig: Rig, topic: string, channel: string): Promise<string[]> {
  const query = `topic=${topic}&channel=${channel}&n=100`
  const response = await fetch(`http://${formatAddress(rig.nsqd.httpAddress)}/peek?${query}`)
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it is our own nsqd's
  const { messages } = (await response.json()) as {
    messages: { body: string; encoding: 'utf8' | 'base64' }[]
  }
  return messages.map(({ body, encoding }) => Buffer.from(body, encoding).toString('latin1'))
}

const lines = (page: Page) => page.locator('.message-line')

inBrowser('watching shows what comes, at a rate, and leaves nothing behind', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('orders', '{"order":0}')
  await rig.channel('orders', 'billing')
  await rig.publish('quiet', 'x')
  await rig.channel('quiet', 'any')
  keepPublishing(t, rig.nsqd, 'orders', '{"order":1,"customer":"ada"}', 25)
  const page = await visitor.open(`${rig.base}/topics/orders`)
  await isLive(page)
  const panel = page.getByRole('tabpanel', { name: 'Watch' })
  await button(panel, 'Watch').click()
  await lines(page).nth(10).waitFor()
  await lines(page).getByText('"customer":"ada"').first().waitFor()
  const [channel = ''] = await watchers(rig, 'orders')
  await panel.getByText(channel).waitFor()
  // Hundreds a second come, 20 are shown.
  await sees(panel, /\d+ skipped/)
  // Nobody else's messages are taken.
  const before = await channelIs(rig.nsqd, 'orders', 'billing', facts => facts !== undefined)
  await channelIs(rig.nsqd, 'orders', 'billing', facts => (facts?.depth ?? 0) > (before?.depth ?? 0))

  // Who reads is left alone; what comes meanwhile is held.
  await lines(page).nth(2).click()
  await page.locator('.message.open').getByText('"ada"').first().waitFor()
  const held = page.locator('button.held')
  await held.waitFor()
  await page.keyboard.press('Escape')
  await page.locator('.message.open').waitFor({ state: 'detached' })
  await held.waitFor({ state: 'detached' })

  await panel.getByRole('searchbox', { name: 'Filter messages' }).fill('nothing like it')
  await sees(panel, 'No message has these words.')
  await panel.getByRole('searchbox', { name: 'Filter messages' }).fill('ADA')
  await lines(page).first().waitFor()
  await panel.getByRole('searchbox', { name: 'Filter messages' }).fill('')

  await button(panel, 'Pause').click()
  await noWatchers(rig, 'orders')
  await button(panel, 'Clear').click()
  await sees(panel, 'Paused: what is published now is not shown.')
  await panel.getByLabel('at most').selectOption('1/s')
  await button(panel, 'Go on').click()
  await lines(page).first().waitFor()

  // It goes on beside the other tabs, and ends with the page.
  await page.getByRole('tab', { name: 'Peek' }).click()
  assert.equal((await watchers(rig, 'orders')).length, 1)
  await page.getByRole('link', { name: 'Topics' }).first().click()
  await isAt(page, 'Topics')
  await noWatchers(rig, 'orders')

  // Of a topic where nothing comes.
  await page.goto(`${rig.base}/topics/quiet`)
  await button(page.getByRole('tabpanel'), 'Watch').click()
  await sees(page, 'Nothing yet. What is published from now on appears here.')
  assert.equal((await watchers(rig, 'quiet')).length, 1)
  await page.close()
  await noWatchers(rig, 'quiet')
})

inBrowser(
  'peeking shows what waits, is in flight and is deferred, and changes nothing',
  async (t, visitor) => {
    const rig = await start(t, FAST)
    await rig.channel('orders', 'billing')
    await rig.nsqd.publish('orders', [Buffer.from('{"order":1}'), Buffer.from('two')], 0)
    await rig.nsqd.publish('orders', [Buffer.from('later')], 1_800_000)
    await rig.publish('orders', 'three')
    await channelIs(rig.nsqd, 'orders', 'billing', facts => facts?.depth === 4)
    const page = await visitor.open(`${rig.base}/topics/orders/billing`)
    await isLive(page)
    await sees(page, 'All there is: 4 messages.')
    const list = page.getByRole('list', { name: 'Messages' })
    assert.deepEqual(
      (await list.getByRole('button').allInnerTexts()).map(text => text.split('\n').at(-1)),
      ['{"order":1}', 'two', 'three', 'later'],
    )
    await list.getByText(/^deferred, due in (30|2\d) min/).waitFor()
    assert.equal(await list.getByText('waiting', { exact: true }).count(), 3)

    await lines(page).first().click()
    const open = page.locator('.message.open')
    await open.locator('.json').getByText('"order"').waitFor()
    await button(open, 'Hex').click()
    await open.locator('.hex').getByText('7b 22 6f 72 64 65 72 22').waitFor()
    await button(open, 'Text').click()
    await open.locator('.body-text').getByText('{"order":1}').waitFor()

    // From the topic one chooses the channel; what is in none is another choice.
    await page.goto(`${rig.base}/topics/orders?messages=peek`)
    await sees(page, 'All there is: 4 messages.')
    const choice = page.getByRole('combobox', { name: 'of channel' })
    await choice.selectOption('')
    await sees(page, 'Every message is in a channel.')
    await choice.selectOption('billing')
    await sees(page, 'All there is: 4 messages.')

    await rig.publish('orders', 'four')
    await button(page, 'Look again').click()
    await sees(page, 'All there is: 5 messages.')
    const after = await channelIs(rig.nsqd, 'orders', 'billing', facts => facts !== undefined)
    // The deferred one is behind others, and counts as waiting until a consumer gets there.
    assert.deepEqual([after?.depth, after?.in_flight_count, after?.deferred_count], [5, 0, 0])
  },
)

inBrowser('publishing from the page: text, lines, bytes, deferred, and to one nsqd', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.channel('orders', 'billing')
  const page = await visitor.open(`${rig.base}/topics/orders?messages=publish`)
  await isLive(page)
  const panel = page.getByRole('tabpanel', { name: 'Publish' })
  const body = panel.getByRole('textbox', { name: 'Message', exact: true })
  const publish = button(panel, 'Publish')
  assert.equal(await publish.isDisabled(), true)

  await body.fill('{"order": 1}\nsecond line')
  await sees(panel, /not JSON: /)
  await publish.click()
  await sees(panel, /1 message published to /)
  await body.fill('{"order":2, "of":"Ångström 🚀"}')
  await sees(panel, 'valid JSON')
  await body.press('Control+Enter')
  await eventually(
    () => panel.locator('.said li').count(),
    count => count === 2,
  )

  await button(panel, 'A message a line').click()
  await panel.getByRole('textbox', { name: 'Messages, one a line' }).fill('a\n\nb\nc\n')
  await button(panel, 'Publish 3 messages').click()
  await sees(panel, /3 messages published to /)

  await button(panel, 'Base64').click()
  await body.fill('AAH/')
  await publish.click()
  await eventually(
    () => panel.locator('.said li').count(),
    count => count === 4,
  )
  await body.fill('AAH')
  await sees(panel, /This is not whole/)
  assert.equal(await publish.isDisabled(), true)
  assert.deepEqual(await bodiesIn(rig, 'orders', 'billing'), [
    '{"order": 1}\nsecond line',
    Buffer.from('{"order":2, "of":"Ångström 🚀"}').toString('latin1'),
    'a',
    'b',
    'c',
    '\0\x01\xff',
  ])

  await button(panel, 'Text').click()
  await body.fill('later')
  await panel.getByLabel('Deferred by').fill('in a while')
  await sees(panel, 'Write it like 90s, 1m30s or 2h.')
  assert.equal(await publish.isDisabled(), true)
  await panel.getByLabel('Deferred by').fill('30m')
  await panel.getByLabel('To nsqd').selectOption(formatAddress(rig.nsqd.httpAddress))
  await publish.click()
  await sees(panel, /, due at /)
  await page.getByRole('tab', { name: 'Peek' }).click()
  await page.getByRole('combobox', { name: 'of channel' }).selectOption('billing')
  await page.getByText(/^deferred, due in (30|2\d) min/).waitFor()
})

inBrowser('what is published in one tab is seen in the other', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.channel('orders', 'billing')
  const page = await visitor.open(`${rig.base}/topics/orders`)
  await isLive(page)
  await button(page.getByRole('tabpanel'), 'Watch').click()
  await eventually(
    () => watchers(rig, 'orders'),
    ({ length }) => length === 1,
  )
  await page.getByRole('tab', { name: 'Publish' }).click()
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('hello from here')
  await button(page, 'Publish').click()
  await sees(page, /1 message published to /)
  await page.getByRole('tab', { name: /^Watch/ }).click()
  await lines(page).getByText('hello from here').waitFor()
})

inBrowser('an nsqd that takes no such message says why', async (t, visitor) => {
  const rig = await start(t, FAST, { nsqd: { maxMsgSize: 100 } })
  await rig.channel('orders', 'billing')
  const page = await visitor.open(`${rig.base}/topics/orders?messages=publish`, {
    expected: /status of 4\d\d/,
  })
  await isLive(page)
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('x'.repeat(101))
  await button(page, 'Publish').click()
  await page
    .getByRole('tabpanel')
    .getByRole('alert')
    .getByText(/MSG_TOO_BIG|large|big/i)
    .waitFor()
})

inBrowser('an official nsqd cannot be peeked, and that is said', async (t, visitor) => {
  const nsqd = await officialNsqd(t)
  const rig = await start(t, { ...FAST, lookupdHttpAddress: [], nsqdHttpAddress: [nsqd] })
  const page = await visitor.open(`${rig.base}/topics/orders/mail`)
  await isLive(page)
  await sees(page, `${nsqd} cannot be peeked: only the nsqd of nsq-ts has this, the official one has not.`)
})
