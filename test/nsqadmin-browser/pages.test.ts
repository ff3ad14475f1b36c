/** Every page, come to by links and by its address. */
import assert from 'node:assert/strict'
import { formatAddress } from '../../src/util/address.ts'
import { start } from '../nsqadmin/rig.ts'
import { browserTests } from './browser.ts'
import { isAt, isLive, row, sees } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 200 }

inBrowser('links lead to every page, and Back and Forward lead there again', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('orders', '{"order":1}')
  await rig.channel('orders', 'billing')
  const node = formatAddress(rig.nsqd.httpAddress)
  const page = await visitor.open(`${rig.base}/`)
  const path = (): string => new URL(page.url()).pathname

  await isAt(page, 'Topics')
  await row(page, 'Topics', 'orders').getByRole('link').click()
  await isAt(page, 'orders')
  assert.equal(path(), '/topics/orders')
  await row(page, 'Channels', 'billing').getByRole('link').click()
  await isAt(page, 'billing', 'billing of orders')
  assert.equal(path(), '/topics/orders/billing')
  await row(page, 'nsqds', node).getByRole('link').click()
  await isAt(page, node)
  await page.getByRole('navigation', { name: 'Breadcrumb' }).getByRole('link', { name: 'Nodes' }).click()
  await isAt(page, 'Nodes')
  await row(page, 'Nodes', node).getByRole('link').click()
  await isAt(page, node)
  await row(page, `Topics of ${node}`, 'orders').getByRole('link').click()
  await isAt(page, 'orders')
  const parts = page.getByRole('navigation', { name: 'Parts' })
  for (const part of ['Lookup', 'Counter', 'Nodes', 'Topics']) {
    await parts.getByRole('link', { name: part }).click()
    await isAt(page, part)
    assert.equal(await parts.locator('[aria-current=page]').innerText(), part)
  }
  assert.equal(path(), '/')

  await page.goBack()
  await isAt(page, 'Nodes')
  await page.goBack()
  await isAt(page, 'Counter')
  await page.goForward()
  await isAt(page, 'Nodes')
  await isLive(page)
})

inBrowser('every page has an address, below a base path as well', async (t, visitor) => {
  const rig = await start(t, { ...FAST, basePath: '/tools/nsq' })
  await rig.publish('orders', '{"order":1}')
  await rig.publish('logs#ephemeral', 'x')
  await rig.channel('orders', 'billing')
  const node = formatAddress(rig.nsqd.httpAddress)
  const pages = [
    ['/', 'Topics'],
    ['/topics', 'Topics'],
    ['/topics/orders', 'orders'],
    ['/topics/logs%23ephemeral', 'logs#ephemeral'],
    ['/topics/orders/billing', 'billing', 'billing of orders'],
    ['/nodes', 'Nodes'],
    [`/nodes/${node}`, node],
    ['/lookup', 'Lookup'],
    ['/counter', 'Counter'],
  ] as const
  const page = await visitor.open(`${rig.base}/`)
  for (const [path, heading, title] of pages) {
    await page.goto(rig.base + path)
    await isAt(page, heading, title)
    await isLive(page)
    // What one comes to by a link of it is below the base path as well.
    const hrefs = await page.locator('a[href^="/"]').evaluateAll(links => links.map(String))
    assert.deepEqual(
      hrefs.filter(href => !href.startsWith(`${rig.base}/`)),
      [],
    )
  }
  await page.getByRole('link', { name: 'nsqadmin' }).click()
  await isAt(page, 'Topics')
  await row(page, 'Topics', 'logs#ephemeral').getByRole('link').click()
  await isAt(page, 'logs#ephemeral')
  assert.equal(page.url(), `${rig.base}/topics/logs%23ephemeral`)
  await page.reload()
  await isAt(page, 'logs#ephemeral')
})

inBrowser('what is not there says so, with names that are near', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('orders', '{"order":1}')
  await rig.channel('orders', 'billing')
  const page = await visitor.open(`${rig.base}/topics/ordres`)
  await sees(page, 'There is no topic ordres')
  await page.getByRole('link', { name: 'orders' }).click()
  await isAt(page, 'orders')
  await isLive(page)

  await page.goto(`${rig.base}/topics/orders/biling`)
  await sees(page, 'Topic orders has no channel biling')
  await page.getByRole('link', { name: 'billing' }).click()
  await isAt(page, 'billing', 'billing of orders')
  await isLive(page)

  await page.goto(`${rig.base}/nodes/127.0.0.1:1`)
  await sees(page, 'There is no nsqd 127.0.0.1:1')

  // It comes, and is seen without a reload.
  await page.goto(`${rig.base}/topics/later`)
  await sees(page, 'There is no topic later')
  await rig.publish('later', 'x')
  await page.locator('.tiles').waitFor()
  await sees(page, 'Messages')
})

inBrowser('without any topic, the page says how one begins', async (t, visitor) => {
  const rig = await start(t, FAST)
  const page = await visitor.open(`${rig.base}/`)
  await sees(page, 'There is no topic yet')
  await rig.publish('first', 'hello')
  await row(page, 'Topics', 'first').waitFor()
})

inBrowser('the order of a table is in the address, and stays', async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('few', 'x')
  await rig.publish('many', 'x', 'x', 'x')
  await rig.publish('some', 'x', 'x')
  const page = await visitor.open(`${rig.base}/`)
  const names = (): Promise<string[]> => page.locator('tbody th a').allInnerTexts()
  await row(page, 'Topics', 'few').waitFor()
  assert.deepEqual(await names(), ['few', 'many', 'some'])
  await page.getByRole('button', { name: 'Depth', exact: true }).click()
  assert.deepEqual(await names(), ['many', 'some', 'few'])
  await page.reload()
  await row(page, 'Topics', 'few').waitFor()
  assert.deepEqual(await names(), ['many', 'some', 'few'])
  assert.equal(
    await page.locator('th', { has: page.getByText('Depth') }).getAttribute('aria-sort'),
    'descending',
  )

  const filter = page.getByRole('searchbox', { name: 'Filter topics' })
  await filter.fill('ME')
  assert.deepEqual(await names(), ['some'])
  await sees(page, '1 of 3 topics')
  await filter.fill('nothing')
  await sees(page, 'No topic is like that.')
})

inBrowser('names that mean something to JavaScript are names', async (t, visitor) => {
  const rig = await start(t, FAST)
  for (const name of ['__proto__', 'constructor', 'toString']) {
    await rig.publish(name, 'x')
    await rig.channel(name, '__proto__')
  }
  await rig.send('POST', '/api/topics', { topic: 'hasOwnProperty', channel: '__proto__' })
  const page = await visitor.open(`${rig.base}/`)
  await row(page, 'Topics', 'constructor').waitFor()
  await row(page, 'Topics', 'toString').waitFor()
  await row(page, 'Topics', '__proto__').getByRole('link').click()
  await isAt(page, '__proto__')
  await row(page, 'Channels', '__proto__').getByRole('link').click()
  await isAt(page, '__proto__', '__proto__ of __proto__')
  await sees(page, 'All there is: 1 message.')
  await page.getByRole('link', { name: 'Lookup' }).click()
  await row(page, 'Inactive topics', 'hasOwnProperty').getByText('__proto__').waitFor()
})

inBrowser('in the tests, no page may ask anybody else for anything', async (t, visitor) => {
  const rig = await start(t, FAST)
  const page = await visitor.open(`${rig.base}/`)
  await page.evaluate(`fetch('http://127.0.0.1:9/').catch(() => {})`)
  await assert.rejects(visitor.checkComplaints(), /Content Security Policy/)
})
