/** Charts of those who have Graphite. */
import assert from 'node:assert/strict'
import type { TestContext } from 'node:test'
import { start } from '../nsqadmin/rig.ts'
import { serve } from '../support/serve.ts'
import { browserTests } from './browser.ts'
import { eventually, isLive, sees } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 200 }
/** A picture of one point. */
const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

interface FakeGraphite {
  url: string
  /** The paths and queries that it was asked for. */
  asked: string[]
  isDown: boolean
}

async function startGraphite(t: TestContext): Promise<FakeGraphite> {
  const fake: FakeGraphite = { url: '', asked: [], isDown: false }
  const address = await serve(t, ({ url = '' }, response) => {
    fake.asked.push(url)
    if (fake.isDown) response.writeHead(500).end()
    else response.writeHead(200, { 'Content-Type': 'image/png' }).end(Buffer.from(PNG, 'base64'))
  })
  fake.url = `http://${address}`
  return fake
}

for (const proxyGraphite of [true, false]) {
  const by = proxyGraphite ? 'through nsqadmin' : 'from where it is'
  inBrowser(`hours and days come of Graphite, ${by}`, async (t, visitor) => {
    const graphite = await startGraphite(t)
    const rig = await start(t, { ...FAST, graphiteUrl: graphite.url, proxyGraphite, basePath: '/nsq' })
    await rig.channel('orders', 'billing')
    const expected = proxyGraphite
      ? /status of 50\d/
      : /status of 50\d|asked for http:\/\/127.0.0.1:\d+\/render/
    const page = await visitor.open(`${rig.base}/topics/orders/billing`, { expected })
    await isLive(page)
    await page.locator('.plot canvas').first().waitFor()
    await page.getByLabel('Charts').selectOption('2 hours, of Graphite')
    const images = page.locator('img.graphite')
    await eventually(
      () => images.evaluateAll(all => all.map(image => Number(image.naturalWidth))),
      widths => widths.length === 2 && widths.every(width => width === 1),
    )
    assert.ok(graphite.asked.length >= 2)
    for (const url of graphite.asked) {
      const query = new URL(url, graphite.url).searchParams
      assert.equal(query.get('from'), '-2h')
      for (const target of query.getAll('target')) assert.match(target, /orders.*billing/)
    }
    graphite.isDown = true
    await page.getByLabel('Charts').selectOption('24 hours, of Graphite')
    await sees(page, /^Graphite at .* gave no image\.$/)
    await page.getByLabel('Charts').selectOption('last 5 minutes')
    await page.locator('.plot canvas').first().waitFor()
  })
}
