/** Without a mouse, on a phone, and in both themes. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { formatAddress } from '../../src/util/address.ts'
import { start, type Rig } from '../nsqadmin/rig.ts'
import { browserTests } from './browser.ts'
import { topicIs } from './daemons.ts'
import { button, eventually, isAt, isLive, question, row, says, turnTo } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 200 }
/** A name may not be longer. */
const LONGEST = 'abcdefgh'.repeat(8)

/** What has the focus, in the words of a reader. */
function focused(page: Page): Promise<string> {
  return page.evaluate(`(() => {
    const element = document.activeElement
    const label = element.labels?.[0]?.textContent
    return (element.getAttribute('aria-label') ?? label ?? element.textContent ?? '').trim()
  })()`)
}

/** Presses Tab until the focus is on this; fails when it never comes there. */
async function tabTo(page: Page, name: string | RegExp): Promise<void> {
  const passed: string[] = []
  for (let i = 0; i < 60; i++) {
    await page.keyboard.press('Tab')
    const now = await focused(page)
    if (typeof name === 'string' ? now === name : name.test(now)) return
    passed.push(now)
  }
  assert.fail(`Tab does not come to ${name}, but to ${passed.join(', ')}`)
}

async function startShop(t: Parameters<typeof start>[0]): Promise<Rig> {
  const rig = await start(t, FAST)
  await rig.channel('orders', 'billing')
  await rig.publish('orders', '{"order":1}')
  await rig.publish('emails', 'x')
  return rig
}

inBrowser('everything is done with the keys alone', async (t, visitor) => {
  const rig = await startShop(t)
  const page = await visitor.open(`${rig.base}/`)
  await isLive(page)
  await row(page, 'Topics', 'orders').waitFor()

  // The first is the way past the header.
  await page.keyboard.press('Tab')
  assert.equal(await focused(page), 'To the content')
  await page.keyboard.press('Enter')
  assert.equal(await page.locator('main').evaluate(main => main === main.ownerDocument.activeElement), true)

  // `/` leads to the filter, Escape out of it.
  await page.keyboard.press('/')
  assert.equal(await focused(page), 'Filter topics')
  await page.keyboard.type('ord/')
  await row(page, 'Topics', 'orders').waitFor({ state: 'detached' })
  await page.keyboard.press('Backspace')
  await row(page, 'Topics', 'emails').waitFor({ state: 'detached' })
  await page.keyboard.press('Escape')
  await row(page, 'Topics', 'emails').waitFor()
  assert.equal(await page.getByRole('searchbox').inputValue(), '')

  await tabTo(page, 'orders')
  await page.keyboard.press('Enter')
  await isAt(page, 'orders')
  await isLive(page)
  // Who follows a link begins at the page, not where the link was.
  assert.equal(await page.evaluate('document.activeElement.id'), 'main')

  // A question: the focus goes in, stays in, and comes back.
  await tabTo(page, 'Pause')
  await page.keyboard.press('Enter')
  const dialog = question(page, 'Pause topic orders?')
  await dialog.waitFor()
  assert.equal(await focused(page), 'Cancel')
  await page.keyboard.press('Tab')
  assert.equal(await focused(page), 'Pause topic')
  await page.keyboard.press('Tab')
  const inside = (): Promise<boolean> =>
    page.evaluate(
      `document.activeElement === document.body || document.activeElement.closest('dialog') !== null`,
    )
  for (let i = 0; i < 4; i++, await page.keyboard.press('Tab')) assert.equal(await inside(), true)
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  assert.equal(await focused(page), 'Pause')
  await topicIs(rig.nsqd, 'orders', facts => facts?.paused === false)

  await tabTo(page, 'Delete')
  await page.keyboard.press('Enter')
  const deletion = question(page, 'Delete topic orders?')
  await deletion.waitFor()
  assert.equal(await focused(page), 'To be sure, type orders')
  await page.keyboard.type('orders')
  await page.keyboard.press('Enter')
  await says(page, 'Topic orders is deleted')
  await topicIs(rig.nsqd, 'orders', facts => facts === undefined)
})

inBrowser('who goes back leaves a question behind, and nothing is done', async (t, visitor) => {
  const rig = await startShop(t)
  const page = await visitor.open(`${rig.base}/`)
  await row(page, 'Topics', 'orders').getByRole('link').click()
  await isLive(page)
  await button(page, 'Pause').click()
  const dialog = question(page, 'Pause topic orders?')
  await dialog.waitFor()
  await page.goBack()
  await dialog.waitFor({ state: 'detached' })
  await isAt(page, 'Topics')
  await eventually(
    () => page.evaluate<string>('document.activeElement.id'),
    id => id === 'main',
  )
  await topicIs(rig.nsqd, 'orders', facts => facts?.paused === false)
})

inBrowser('tabs, messages and the theme with the keys', async (t, visitor) => {
  const rig = await startShop(t)
  await rig.publish('orders', '{"order":2}', '{"order":3}')
  const page = await visitor.open(`${rig.base}/topics/orders/billing`)
  await isLive(page)
  await page.locator('.message-line').nth(2).waitFor()
  await page.getByRole('tab', { name: 'Peek' }).focus()
  await page.keyboard.press('ArrowRight')
  assert.equal(await focused(page), 'Publish')
  await page.getByRole('textbox', { name: 'Message', exact: true }).waitFor()
  await page.keyboard.press('Home')
  assert.equal(await focused(page), 'Watch')
  await page.keyboard.press('ArrowRight')
  assert.equal(await focused(page), 'Peek')

  const lines = page.locator('.message-line')
  await lines.nth(2).waitFor()
  await tabTo(page, /order/)
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await page.locator('.message').nth(1).locator('.body-content').waitFor()
  await page.keyboard.press('End')
  assert.match(await focused(page), /"order":3/)
  await page.keyboard.press('Escape')
  await page.locator('.body-content').waitFor({ state: 'detached' })

  const theme = (): Promise<string> =>
    page.evaluate('getComputedStyle(document.documentElement).backgroundColor')
  const light = await theme()
  await page.getByRole('button', { name: /^Colours: / }).focus()
  for (const [name, isLight] of [
    ['light', true],
    ['dark', false],
    ['as the system', true],
  ] as const) {
    await page.keyboard.press('Enter')
    await button(page, `Colours: ${name}. Change`).waitFor()
    assert.equal((await theme()) === light, isLight, name)
  }
  // What was chosen stays.
  await page.keyboard.press('Enter')
  await page.keyboard.press('Enter')
  await page.reload()
  await button(page, 'Colours: dark. Change').waitFor()
  assert.notEqual(await theme(), light)
})

inBrowser('on a phone no page is wider than the window, in both themes', async (t, visitor) => {
  const rig = await startShop(t)
  await rig.publish(LONGEST, 'x')
  const node = formatAddress(rig.nsqd.httpAddress)
  const page = await visitor.open(`${rig.base}/`, { phone: true })
  await isLive(page)
  for (const path of [
    '/topics/orders',
    `/topics/${LONGEST}`,
    '/topics/orders/billing',
    '/topics/orders?messages=publish',
    '/nodes',
    `/nodes/${node}`,
    '/lookup',
    '/counter',
  ]) {
    await turnTo(page, rig.base + path)
    for (const width of [320, 390]) {
      await page.setViewportSize({ width, height: 844 })
      await eventually(
        () => page.evaluate<number>('document.documentElement.scrollWidth'),
        now => now === width,
        `${path} is ${width} wide`,
      )
    }
  }
  const brightness = async (): Promise<number> => {
    const background: string = await page.evaluate(
      'getComputedStyle(document.documentElement).backgroundColor',
    )
    return Number(/\d+/.exec(background)?.[0])
  }
  assert.ok((await brightness()) > 200)
  await page.emulateMedia({ colorScheme: 'dark' })
  assert.ok((await brightness()) < 50)

  // A table scrolls in itself, and the names stay.
  await turnTo(page, `${rig.base}/`)
  const table = page.getByRole('region', { name: 'Topics', exact: true })
  const name = row(page, 'Topics', 'orders').locator('th')
  await name.waitFor()
  const before = await name.boundingBox()
  await table.evaluate(element => element.scrollTo(200, 0))
  await eventually(
    () => table.evaluate(element => Number(element.scrollLeft)),
    left => left > 100,
  )
  assert.equal((await name.boundingBox())?.x, before?.x)

  await turnTo(page, `${rig.base}/topics/orders`)
  await button(page, 'Delete').click()
  const box = await question(page, 'Delete topic orders?').boundingBox()
  assert.ok(box && box.x >= 0 && box.x + box.width <= 390)
})
