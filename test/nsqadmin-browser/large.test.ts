/** A thousand topics of two channels (or CHANNELS) on three nsqds, each in a process of its own. */
import assert from 'node:assert/strict'
import type { Page } from 'playwright-core'
import { Cluster } from '../../src/cluster/cluster.ts'
import { Nsqadmin } from '../../src/nsqadmin/daemon.ts'
import { resolveNsqadminOptions } from '../../src/nsqadmin/options.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { LargeCluster } from '../support/large-cluster.ts'
import { browserTests } from './browser.ts'
import { eventually, isAt, row, sees, tile } from './seen.ts'

const inBrowser = browserTests()
const TICK_MS = 2000
const CHANNELS = Number(process.env['CHANNELS'] ?? 2)

/** How long the page's own thread was busy so far, in milliseconds of a processor: others' work does not count. */
async function busyMs(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page)
  await session.send('Performance.setTimeDomain', { timeDomain: 'threadTicks' })
  await session.send('Performance.enable')
  return async () => {
    const { metrics } = await session.send('Performance.getMetrics')
    return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN)
  }
}

/** How often nsqadmin has looked at the cluster. */
async function looks(base: string): Promise<number> {
  const text = await (await fetch(`${base}/metrics`)).text()
  return Number(/^nsqadmin_looks_total(?:{.*})? (\d+)$/m.exec(text)?.[1])
}

inBrowser(
  'a large cluster is shown whole, drawn as far as it is seen, and found in at once',
  async (t, visitor) => {
    const large = await LargeCluster.start(temporaryFolder(), { channels: CHANNELS })
    const options = resolveNsqadminOptions({
      httpAddress: '127.0.0.1:0',
      lookupdHttpAddress: [large.lookupdAddress],
      pollInterval: TICK_MS,
    })
    const admin = new Nsqadmin(options, new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} }))
    await admin.start()
    try {
      await large.publish(5, 10)
      const cluster = new Cluster({ lookupds: [large.lookupdAddress], nsqds: [] })
      const from = performance.now()
      const { value } = await cluster.look()
      t.diagnostic(`one look at the cluster: ${Math.round(performance.now() - from)} ms`)
      assert.equal(value.stats.length, 3)

      const base = `http://${formatAddress(admin.httpAddress)}`
      const page = await visitor.open(`${base}/`)
      await sees(page, '1,000 topics')
      assert.equal(await tile(page, 'Topics'), 1000)
      await sees(page, 'at 3 nsqds')
      // 100 topics, 3 nsqds, 5 messages in each channel.
      await eventually(
        () => tile(page, 'Depth'),
        depth => depth === 1500 * CHANNELS,
      )
      // What is not seen is not drawn; one scrolls to it.
      assert.ok((await page.locator('tbody tr').count()) < 100)
      const table = page.getByRole('region', { name: 'Topics', exact: true })
      await table.evaluate(element => element.scrollTo(0, element.scrollHeight))
      await row(page, 'Topics', 'topic-1000').waitFor()
      await page.getByRole('button', { name: 'Depth', exact: true }).click()
      await table.evaluate(element => element.scrollTo(0, 0))
      await row(page, 'Topics', 'topic-0001').waitFor()

      const filter = page.getByRole('searchbox', { name: 'Filter topics' })
      await filter.pressSequentially('topic-0991')
      await row(page, 'Topics', 'topic-0991').waitFor()
      assert.equal(await page.locator('tbody th a').count(), 1)
      await filter.fill('')

      // A hundred topics change.
      await page.evaluate(`
      window.longTasks = []
      new PerformanceObserver(list => window.longTasks.push(...list.getEntries().map(each => each.duration)))
        .observe({ type: 'longtask' })
    `)
      const busy = await busyMs(page)
      const [before, looksBefore] = [await busy(), await looks(base)]
      await large.publish(1, 10)
      await eventually(
        () => tile(page, 'Depth'),
        depth => depth === 1800 * CHANNELS,
      )
      const each = ((await busy()) - before) / ((await looks(base)) - looksBefore)
      const longTasks = await page.evaluate<number[]>('window.longTasks')
      t.diagnostic(`the page is busy for ${Math.round(each)} ms after each look`)
      t.diagnostic(`long tasks: ${longTasks.map(Math.round).join(', ') || 'none'} ms`)

      await page.goto(`${base}/topics/topic-0001`)
      await isAt(page, 'topic-0001')
      await row(page, 'Channels', `channel-${CHANNELS}`).waitFor()
      await page.goto(`${base}/nodes`)
      await sees(page, 'all healthy')
      const [address = ''] = large.nsqdAddresses
      await row(page, 'Nodes', address).getByRole('link').click()
      await row(page, `Topics of ${address}`, 'topic-0001').waitFor()
      await page.getByRole('searchbox', { name: 'Filter topics' }).fill('0777')
      await row(page, `Topics of ${address}`, 'topic-0777').waitFor()
    } finally {
      await visitor.leave()
      await admin.close()
      await large.stop()
    }
  },
)
