/** Numbers and charts move by themselves, and what is wrong with the daemons is said while it lasts. */
import assert from 'node:assert/strict'
import { createServer, type Socket } from 'node:net'
import type { Page } from 'playwright-core'
import { listenTcp, closeServer } from '../../src/net/listen.ts'
import { formatAddress } from '../../src/util/address.ts'
import { start } from '../nsqadmin/rig.ts'
import { browserTests } from './browser.ts'
import { startAdminAgain, startAgain } from './daemons.ts'
import { keepConsuming, keepPublishing } from './load.ts'
import { button, eventually, isLive, row, sees, tile } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 200 }

/** Waits until a number of the page has become larger, which a reload would have forgotten. */
async function moves(page: Page, read: () => Promise<number>): Promise<void> {
  await page.evaluate(`window.isStillThis = true`)
  const first = await eventually(read, value => value >= 0)
  await eventually(read, value => value > first, 'it grows')
  assert.equal(await page.evaluate(`window.isStillThis`), true)
}

async function column(page: Page, table: string, name: string, index: number): Promise<number> {
  return Number((await row(page, table, name).locator('td').nth(index).innerText()).replaceAll(/[^\d.]/g, ''))
}

/** Of every chart of the page, what is drawn in this colour: how many points. */
function drawn(page: Page, [red, green, blue]: readonly [number, number, number]): Promise<number[]> {
  const inColour = `([r, g, b, a]) => r === ${red} && g === ${green} && b === ${blue} && a === 255`
  return page.evaluate(
    `[...document.querySelectorAll('.plot canvas')].map(canvas => {
      const copy = Object.assign(document.createElement('canvas'), { width: canvas.width, height: canvas.height })
      const context = copy.getContext('2d', { willReadFrequently: true })
      context.drawImage(canvas, 0, 0)
      const { data } = context.getImageData(0, 0, copy.width, copy.height)
      let count = 0
      for (let i = 0; i < data.length; i += 4) if ((${inColour})(data.subarray(i, i + 4))) count++
      return count
    })`,
  )
}

inBrowser('numbers of topics, channels, nodes and the counter move without a reload', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('orders', 'x')
  await rig.channel('orders', 'unread')
  keepConsuming(t, rig.nsqd, 'orders', 'billing')
  keepPublishing(t, rig.nsqd, 'orders')
  const node = formatAddress(rig.nsqd.httpAddress)

  const page = await visitor.open(`${rig.base}/`)
  await row(page, 'Topics', 'orders').waitFor()
  await moves(page, () => column(page, 'Topics', 'orders', 0))
  await eventually(
    () => tile(page, 'In'),
    rate => rate > 0,
  )
  await eventually(
    () => tile(page, 'Out'),
    rate => rate > 0,
  )

  await page.goto(`${rig.base}/topics/orders`)
  await row(page, 'Channels', 'unread').waitFor()
  await moves(page, () => tile(page, 'Depth'))
  await moves(page, () => column(page, 'Channels', 'unread', 0))

  await page.goto(`${rig.base}/topics/orders/billing`)
  await row(page, 'nsqds', node).waitFor()
  await moves(page, () => column(page, 'nsqds', node, 6))
  await eventually(
    () => tile(page, 'Clients'),
    clients => clients === 1,
  )
  const clients = page.getByRole('region', { name: 'Clients', exact: true }).locator('tbody tr')
  await clients.getByText(node).waitFor()

  await page.goto(`${rig.base}/nodes`)
  await row(page, 'Nodes', node).waitFor()
  await moves(page, () => tile(page, 'Depth'))
  await page.goto(`${rig.base}/nodes/${node}`)
  await row(page, `Topics of ${node}`, 'orders').waitFor()
  await moves(page, () => tile(page, 'Depth'))
  await page.goto(`${rig.base}/counter`)
  const counter = page.locator('.counter')
  await counter.waitFor()
  await moves(page, async () => Number((await counter.innerText()).split('\n')[0]?.replaceAll(/\D/g, '')))
})

for (const [theme, depth, rateIn] of [
  ['light', [0x2f, 0x55, 0xd4], [0x0b, 0x7a, 0x75]],
  ['dark', [0x7d, 0xa2, 0xff], [0x3f, 0xc7, 0xbd]],
] as const) {
  inBrowser(`charts have a past and go on, in colours of the ${theme} theme`, async (t, visitor) => {
    const rig = await start(t, FAST)
    await rig.publish('orders', 'x')
    keepPublishing(t, rig.nsqd, 'orders')
    const page = await visitor.open(`${rig.base}/topics/orders`, { theme })
    await isLive(page)
    await eventually(
      () => drawn(page, depth),
      ([first = 0]) => first > 5,
    )
    await eventually(
      () => drawn(page, rateIn),
      ([, second = 0]) => second > 5,
    )
    const picture = (): Promise<string> =>
      page
        .locator('.plot canvas')
        .first()
        .evaluate(canvas => canvas.toDataURL())
    const before = await picture()
    await eventually(picture, now => now !== before, 'the chart goes on')

    // With the keyboard, a moment of it is chosen.
    await page
      .getByRole('group', { name: /^Depth: / })
      .first()
      .focus()
    await page.keyboard.press('ArrowLeft')
    await page.locator('.chart .moment').first().waitFor()
    await page.keyboard.press('Tab')
    await page.locator('.chart .moment').first().waitFor({ state: 'detached' })
  })
}

inBrowser('who does not look is told nothing, and is up to date when he looks again', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('orders', 'x')
  const page = await visitor.open(`${rig.base}/`)
  await row(page, 'Topics', 'orders').waitFor()
  const streams = async (): Promise<number> => {
    const text = await (await rig.get('/metrics')).text()
    return Number(/^nsqadmin_streams(?:{.*})? (\d+)$/m.exec(text)?.[1])
  }
  const hide = (hidden: boolean): Promise<unknown> =>
    page.evaluate(
      `Object.defineProperty(document, 'hidden', { value: ${hidden}, configurable: true })
       document.dispatchEvent(new Event('visibilitychange'))`,
    )
  await eventually(streams, count => count === 1)
  await hide(true)
  await eventually(streams, count => count === 0)
  await rig.publish('orders', 'y', 'z')
  await hide(false)
  await eventually(
    () => column(page, 'Topics', 'orders', 0),
    depth => depth === 3,
  )
  await isLive(page)
})

inBrowser('an nsqd that goes and comes back: warned of, named, and without a reload', async (t, visitor) => {
  const rig = await start(t, FAST, { nsqds: 2, direct: true })
  const [first, second] = rig.nsqds
  assert.ok(first && second)
  for (const nsqd of rig.nsqds) await nsqd.publish('orders', [Buffer.from('x')], 0)
  const lost = formatAddress(second.httpAddress)
  const page = await visitor.open(`${rig.base}/topics/orders`)
  await eventually(
    () => tile(page, 'Depth'),
    depth => depth === 2,
  )
  await second.close()
  const warning = button(page, '1 warning')
  await warning.waitFor()
  await eventually(
    () => tile(page, 'Depth'),
    depth => depth === 1,
  )
  await warning.click()
  await page.locator('.warnings-list').getByText(lost).waitFor()
  await page.keyboard.press('Escape')
  await page.locator('.warnings-list').waitFor({ state: 'hidden' })
  await isLive(page)
  await page.getByRole('link', { name: 'Nodes' }).click()
  await sees(page, '1 without answer')
  await row(page, 'Nodes', lost).getByRole('link').click()
  await page.getByRole('alert').getByText(lost).waitFor()

  const again = await startAgain(second)
  try {
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await row(page, `Topics of ${lost}`, 'orders').waitFor()
    await warning.waitFor({ state: 'detached' })
    await page.goBack()
    await page.goBack()
    await eventually(
      () => tile(page, 'Depth'),
      depth => depth === 2,
    )
  } finally {
    await again.close()
  }
})

inBrowser(
  'what was dropped, and a channel that nobody reads, are shown where there are any',
  async (t, visitor) => {
    const nsqd = { maxChannelDepth: 1, overflow: 'drop-oldest', orphanAfter: 20 } as const
    const rig = await start(t, FAST, { nsqd })
    for (const topic of ['orders', 'quiet']) await rig.channel(topic, 'mail')
    await rig.publish('orders', 'one', 'two')

    const page = await visitor.open(`${rig.base}/topics/orders`)
    await sees(row(page, 'Channels', 'mail'), 'orphaned')
    assert.equal(await tile(page, 'Dropped'), 1)
    await page.getByRole('columnheader', { name: 'Dropped' }).waitFor()
    await button(page, '1 warning').click()
    await sees(page, '1 channel is orphaned: orders/mail')
    await page.goto(`${rig.base}/topics/orders/mail`)
    await isLive(page)
    assert.equal(await tile(page, 'Dropped'), 1)
    await sees(page.locator('.page-head'), 'orphaned')
    await button(page, '1 warning').waitFor()

    await page.goto(`${rig.base}/topics/quiet`)
    await row(page, 'Channels', 'mail').waitFor()
    await eventually(
      () => page.getByText(/^(Refused|Dropped|Expired)$/).count(),
      found => found === 0,
    )
    assert.equal(await row(page, 'Channels', 'mail').getByText('orphaned').count(), 0)
  },
)

inBrowser('an nsqd that takes connections and says nothing holds nobody up for long', async (t, visitor) => {
  const sockets = new Set<Socket>()
  const mute = createServer(socket => sockets.add(socket.on('error', () => {})))
  const { port } = await listenTcp(mute, { host: '127.0.0.1', port: 0 })
  t.after(() => closeServer(mute, sockets))
  const rig = await start(t)
  await rig.publish('orders', 'x')
  const admin = await start(t, {
    ...FAST,
    lookupdHttpAddress: [],
    nsqdHttpAddress: [formatAddress(rig.nsqd.httpAddress), `127.0.0.1:${port}`],
    httpClientRequestTimeout: 400,
  })
  const page = await visitor.open(`${admin.base}/`)
  await row(page, 'Topics', 'orders').waitFor()
  await button(page, '1 warning').click()
  await page.locator('.warnings-list').getByText(`127.0.0.1:${port}`).waitFor()
})

inBrowser('no nsqd answers: said at once, with what was known, and mended by itself', async (t, visitor) => {
  const rig = await start(t, FAST, { direct: true })
  await rig.publish('orders', 'x')
  const page = await visitor.open(`${rig.base}/`)
  await row(page, 'Topics', 'orders').waitFor()
  await rig.nsqd.close()
  await sees(page.locator('.connection'), 'No daemon answers')
  await page.getByRole('alert').getByText('The numbers below are of').waitFor()
  await row(page, 'Topics', 'orders').waitFor()

  // Who comes now has nothing from before.
  const late = await visitor.open(`${rig.base}/topics/orders`)
  await sees(late.locator('.connection'), 'No daemon answers')
  await button(late.locator('main'), 'Retry').first().click()
  await late.getByRole('alert').first().waitFor()

  const again = await startAgain(rig.nsqd)
  try {
    for (const each of [page, late]) {
      await isLive(each)
      await each.getByRole('alert').waitFor({ state: 'detached' })
    }
    await eventually(
      () => tile(late, 'Depth'),
      depth => depth === 1,
    )
  } finally {
    await again.close()
  }
})

inBrowser('the only nsqlookupd goes: it is named, and the numbers go on', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('orders', 'x')
  const page = await visitor.open(`${rig.base}/`, { expected: /status of 50\d/ })
  await isLive(page)
  await row(page, 'Topics', 'orders').waitFor()
  const lookupd = formatAddress(rig.lookupd.httpAddress)
  await rig.lookupd.close()
  await button(page, '1 warning').click()
  await page.locator('.warnings').getByText(lookupd).waitFor()
  const depth = await column(page, 'Topics', 'orders', 0)
  await rig.nsqd.publish('orders', [Buffer.from('y')], 0)
  await eventually(
    () => column(page, 'Topics', 'orders', 0),
    now => now !== depth,
  )
  await isLive(page)
  await page.getByRole('link', { name: 'Lookup' }).click()
  await page.getByRole('alert').getByText(lookupd).first().waitFor()
})

inBrowser('nsqadmin goes while the page is open, and comes back', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('orders', 'x')
  const page = await visitor.open(`${rig.base}/topics/orders`, { expected: /net::ERR_/ })
  await isLive(page)
  await rig.admin.close()
  await sees(page.locator('.connection'), /Reconnecting|Not connected/)
  await page.getByRole('alert').getByText('nsqadmin does not answer.').waitFor()
  // What is done meanwhile fails where it is done.
  await button(page, 'Pause').click()
  const dialog = page.getByRole('dialog')
  await button(dialog, 'Pause topic').click()
  await dialog.getByRole('alert').getByText('nsqadmin does not answer.').waitFor()

  const again = await startAdminAgain(rig.admin)
  try {
    await button(dialog, 'Pause topic').click()
    await dialog.waitFor({ state: 'detached' })
    await isLive(page)
    await page.getByRole('alert').waitFor({ state: 'detached' })
    await rig.publish('orders', 'y')
    await eventually(
      () => tile(page, 'Depth'),
      depth => depth === 2,
    )
    await page.locator('h1 .chip', { hasText: 'paused' }).waitFor()
  } finally {
    // The page goes first: it would be served until it is gone.
    await visitor.leave()
    await again.close()
  }
})
