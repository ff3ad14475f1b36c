/** What can be done to topics, channels and nodes: asked first, done everywhere, and not done after Cancel. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { formatAddress } from '../../src/util/address.ts'
import { type Rig, start } from '../nsqadmin/rig.ts'
import { browserTests } from './browser.ts'
import { channelIs, lookupKnows, topicIs, topicsOf } from './daemons.ts'
import { button, eventually, isAt, isLive, question, row, says, sees, tile } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 200 }

/** Opens the question that a button leads to, and says no. */
async function cancel(page: Page, name: string, title: string): Promise<void> {
  await button(page, name).click()
  const dialog = question(page, title)
  await button(dialog, 'Cancel').click()
  await dialog.waitFor({ state: 'detached' })
}

/** Publishes to every nsqd. */
async function publishTo(rig: Rig, topic: string, ...bodies: string[]): Promise<void> {
  for (const nsqd of rig.nsqds) {
    await nsqd.publish(
      topic,
      bodies.map(body => Buffer.from(body)),
      0,
    )
  }
}

inBrowser('a topic is paused, unpaused, emptied and deleted, on all nsqds', async (t, visitor) => {
  const rig = await start(t, FAST, { nsqds: 2 })
  await publishTo(rig, 'orders', 'a', 'b', 'c')
  await publishTo(rig, 'other', 'x')
  const page = await visitor.open(`${rig.base}/topics/orders`)
  await isLive(page)

  await cancel(page, 'Pause', 'Pause topic orders?')
  for (const nsqd of rig.nsqds) await topicIs(nsqd, 'orders', facts => facts?.paused === false)
  await button(page, 'Pause').click()
  await button(question(page, 'Pause topic orders?'), 'Pause topic').click()
  await says(page, 'Topic orders is paused')
  for (const nsqd of rig.nsqds) await topicIs(nsqd, 'orders', facts => facts?.paused === true)
  await page.locator('h1 .chip', { hasText: 'paused' }).waitFor()

  await button(page, 'Unpause').click()
  await says(page, 'Topic orders goes on')
  for (const nsqd of rig.nsqds) await topicIs(nsqd, 'orders', facts => facts?.paused === false)
  await page.locator('h1 .chip', { hasText: 'paused' }).waitFor({ state: 'detached' })

  await eventually(
    () => tile(page, 'Depth'),
    depth => depth === 6,
  )
  await cancel(page, 'Empty', 'Empty topic orders?')
  for (const nsqd of rig.nsqds) await topicIs(nsqd, 'orders', facts => facts?.depth === 3)
  await button(page, 'Empty').click()
  await button(question(page, 'Empty topic orders?'), 'Throw away 6 messages').click()
  await says(page, 'Topic orders is emptied')
  for (const nsqd of rig.nsqds) await topicIs(nsqd, 'orders', facts => facts?.depth === 0)

  await publishTo(rig, 'orders', 'd')
  await eventually(
    () => tile(page, 'Depth'),
    depth => depth === 2,
  )
  await cancel(page, 'Delete', 'Delete topic orders?')
  await button(page, 'Delete').click()
  const dialog = question(page, 'Delete topic orders?')
  const confirm = button(dialog, 'Delete topic and 2 messages')
  assert.equal(await confirm.isDisabled(), true)
  await dialog.getByRole('textbox').fill('order')
  assert.equal(await confirm.isDisabled(), true)
  await page.keyboard.press('Enter')
  assert.equal(await dialog.isVisible(), true)
  for (const nsqd of rig.nsqds) await topicIs(nsqd, 'orders', facts => facts !== undefined)
  await dialog.getByRole('textbox').fill('orders')
  await confirm.click()
  await says(page, 'Topic orders is deleted')
  await isAt(page, 'Topics')
  await row(page, 'Topics', 'orders').waitFor({ state: 'detached' })
  await row(page, 'Topics', 'other').waitFor()
  for (const nsqd of rig.nsqds) {
    assert.deepEqual(
      (await topicsOf(nsqd)).map(topic => topic.topic_name),
      ['other'],
    )
  }
  assert.deepEqual(rig.lookupd.registry.topics(), ['other'])
})

inBrowser('a channel is paused, unpaused, emptied and deleted, on all nsqds', async (t, visitor) => {
  const rig = await start(t, FAST, { nsqds: 2 })
  for (const nsqd of rig.nsqds) for (const name of ['billing', 'mail']) nsqd.topic('orders').channel(name)
  await publishTo(rig, 'orders', 'a', 'b')
  const page = await visitor.open(`${rig.base}/topics/orders/billing`)
  await isLive(page)
  const channel = (isSo: Parameters<typeof channelIs>[3], name = 'billing'): Promise<unknown> =>
    Promise.all(rig.nsqds.map(nsqd => channelIs(nsqd, 'orders', name, isSo)))

  await cancel(page, 'Pause', 'Pause channel billing?')
  await channel(facts => facts?.paused === false)
  await button(page, 'Pause').click()
  await button(question(page, 'Pause channel billing?'), 'Pause channel').click()
  await says(page, 'Channel billing is paused')
  await channel(facts => facts?.paused === true)
  await channel(facts => facts?.paused === false, 'mail')
  await button(page, 'Unpause').click()
  await says(page, 'Channel billing goes on')
  await channel(facts => facts?.paused === false)

  await eventually(
    () => tile(page, 'Depth'),
    depth => depth === 4,
  )
  await cancel(page, 'Empty', 'Empty channel billing?')
  await channel(facts => facts?.depth === 2)
  await button(page, 'Empty').click()
  await button(question(page, 'Empty channel billing?'), 'Throw away 4 messages').click()
  await says(page, 'Channel billing is emptied')
  await channel(facts => facts?.depth === 0)
  await channel(facts => facts?.depth === 2, 'mail')

  await cancel(page, 'Delete', 'Delete channel billing?')
  await channel(facts => facts !== undefined)
  await button(page, 'Delete').click()
  await question(page, 'Delete channel billing?')
    .getByRole('button', { name: /^Delete channel/ })
    .click()
  await says(page, 'Channel billing is deleted')
  await isAt(page, 'orders')
  await row(page, 'Channels', 'billing').waitFor({ state: 'detached' })
  await row(page, 'Channels', 'mail').waitFor()
  await channel(facts => facts === undefined)
  await channel(facts => facts?.depth === 2, 'mail')
})

inBrowser(
  'topics and channels are created, and deleted where only nsqlookupd knows them',
  async (t, visitor) => {
    const rig = await start(t, FAST, { nsqds: 2 })
    const page = await visitor.open(`${rig.base}/`)
    await page.getByRole('link', { name: 'New topic' }).click()
    await isAt(page, 'Lookup')
    const topic = page.getByLabel('Topic', { exact: true })
    const channel = page.getByLabel('Channel, if one is wanted')

    await topic.fill('orders/1')
    await sees(page, /cannot be in a name/)
    assert.equal(await button(page, 'Create topic').isDisabled(), true)
    await topic.fill('orders')
    await button(page, 'Create topic').click()
    await says(page, 'Topic orders created')
    await lookupKnows(rig.lookupd, 'orders', [])
    await row(page, 'Inactive topics', 'orders').waitFor()

    await channel.fill('billing')
    await button(page, 'Create channel').click()
    await says(page, 'Channel billing of orders created')
    await lookupKnows(rig.lookupd, 'orders', ['billing'])
    await topic.fill('mails')
    await channel.fill('sender')
    await button(page, 'Create both').click()
    await says(page, 'Channel sender of mails created')
    await lookupKnows(rig.lookupd, 'mails', ['sender'])

    // The first message makes the topic at an nsqd, with the channel.
    await rig.publish('mails', 'hello')
    await channelIs(rig.nsqd, 'mails', 'sender', facts => facts?.depth === 1)
    await page.goto(`${rig.base}/topics/mails`)
    await row(page, 'Channels', 'sender').waitFor()

    await page.goto(`${rig.base}/lookup`)
    await row(page, 'Inactive topics', 'orders').waitFor()
    await cancel(page, 'Delete channel billing of orders', 'Delete channel billing of orders?')
    await lookupKnows(rig.lookupd, 'orders', ['billing'])
    await button(page, 'Delete channel billing of orders').click()
    await button(question(page, 'Delete channel billing of orders?'), 'Delete channel').click()
    await says(page, 'Channel billing of orders deleted')
    await lookupKnows(rig.lookupd, 'orders', [])

    await cancel(page, 'Delete…', 'Delete topic orders?')
    assert.ok(rig.lookupd.registry.hasTopic('orders'))
    await button(page, 'Delete…').click()
    await button(question(page, 'Delete topic orders?'), 'Delete topic').click()
    await says(page, 'Topic orders deleted')
    await row(page, 'Inactive topics', 'orders').waitFor({ state: 'detached' })
    assert.equal(rig.lookupd.registry.hasTopic('orders'), false)

    // A channel of a topic that is at nsqds is made there, too.
    await topic.fill('mails')
    await channel.fill('archive')
    await button(page, 'Create channel').click()
    await says(page, 'Channel archive of mails created')
    await channelIs(rig.nsqd, 'mails', 'archive', facts => facts !== undefined)
  },
)

inBrowser('a tombstone hides a topic at one nsqd, and is shown until it ends', async (t, visitor) => {
  const rig = await start(t, FAST, { nsqds: 2, lookupd: { tombstoneLifetime: 1_800_000 } })
  await publishTo(rig, 'orders', 'a', 'b')
  await eventually(
    () => rig.lookupd.registry.producersOf('orders').length,
    count => count === 2,
  )
  const [first, second] = rig.nsqds
  assert.ok(first && second)
  const node = formatAddress(first.httpAddress)
  const page = await visitor.open(`${rig.base}/nodes/${node}`)
  await isLive(page)
  const title = `Tombstone orders at ${node}?`
  await cancel(page, 'Tombstone…', title)
  assert.deepEqual(rig.lookupd.registry.tombstones(), [])
  await topicIs(first, 'orders', facts => facts?.depth === 2)

  await button(page, 'Tombstone…').click()
  await sees(question(page, title), '2 messages on this nsqd will be lost.')
  await question(page, title)
    .getByRole('button', { name: /^Tombstone/ })
    .click()
  await says(page, `orders tombstoned at ${node}`)
  await topicIs(first, 'orders', facts => facts === undefined)
  await topicIs(second, 'orders', facts => facts?.depth === 2)
  assert.equal(rig.lookupd.registry.producersOf('orders').length, 1)

  // With the topic goes what nsqlookupd knew of it there. Where an nsqd does not delete it, the tombstone lasts.
  const other = formatAddress(second.httpAddress)
  rig.lookupd.registry.tombstone('orders', other)
  await page.getByRole('navigation', { name: 'Parts' }).getByRole('link', { name: 'Lookup' }).click()
  const tombstone = row(page, 'Tombstones', 'orders')
  await tombstone.getByText(/^in (30|2\d) min/).waitFor()
  const left = (): Promise<string> => tombstone.getByText(/^in /).innerText()
  const before = await left()
  await eventually(left, now => now !== before, 'the time left goes down')
  await tombstone.getByRole('link', { name: other }).click()
  await isAt(page, other)
  await page.locator('.chip', { hasText: 'tombstone' }).waitFor()
})

inBrowser(
  'what is not done everywhere is said, and what fails leaves the question open',
  async (t, visitor) => {
    const rig = await start(t, { ...FAST, httpClientConnectTimeout: 500 }, { nsqds: 2, direct: true })
    await publishTo(rig, 'orders', 'a')
    const page = await visitor.open(`${rig.base}/topics/orders`, { expected: /status of 50\d/ })
    await isLive(page)
    const [, second] = rig.nsqds
    await second?.close()
    await button(page, 'Pause').click()
    await button(question(page, 'Pause topic orders?'), 'Pause topic').click()
    await page
      .locator('.toast.warn')
      .getByText(/^Topic orders is paused, but not everywhere: /)
      .waitFor()
    await topicIs(rig.nsqd, 'orders', facts => facts?.paused === true)

    await button(page, 'Delete').click()
    const dialog = question(page, 'Delete topic orders?')
    await rig.nsqd.close()
    await dialog.getByRole('textbox').fill('orders')
    await dialog.getByRole('button', { name: /^Delete topic/ }).click()
    await dialog.getByRole('alert').waitFor()
    assert.equal(await dialog.isVisible(), true)
    await button(dialog, 'Cancel').click()
    await isAt(page, 'orders')
  },
)
