/**
 * Takes the pictures of nsqadmin's page in docs/images, of an NSQ at work that is started for them.
 *
 *     npm run build && npm run docs:screenshots
 *
 * The charts show the last minutes: it lets so many seconds pass first, 300 unless given.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Browser, Locator, Page } from 'playwright-core'
import { launch } from '../test/nsqadmin-browser/browser.ts'
import { pause } from '../test/support/wait.ts'
import { SampleCluster } from './sample-cluster.ts'

const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url))
const MOST_BYTES = 120 * 1024
const DESK = { width: 1280, height: 860 }
const PHONE = { width: 390, height: 844 }

interface Shot {
  name: string
  path: string
  theme?: 'dark'
  phone?: boolean
  /** Brings the page to what is to be seen, and says which part of it; the window unless given. */
  prepare?: (page: Page) => Promise<Locator | void>
  height?: number
  /** Opened before the time passes: it shows what has been since then. */
  fromStart?: boolean
}

const card = (page: Page, title: string): Locator =>
  page.locator('section.card', { has: page.getByRole('heading', { name: title }) })

const SHOTS: readonly Shot[] = [
  // Before its tombstones end.
  { name: 'lookup', path: '/lookup', height: 960 },
  { name: 'topics', path: '/', height: 850 },
  { name: 'topics-dark', path: '/?sort=-depth', theme: 'dark', height: 850 },
  { name: 'topics-phone', path: '/', phone: true },
  { name: 'topic', path: '/topics/orders' },
  { name: 'topic-phone', path: '/topics/orders', phone: true, theme: 'dark' },
  { name: 'channel-dark', path: '/topics/orders/shipping', theme: 'dark', height: 800 },
  { name: 'nodes', path: '/nodes', height: 520 },
  { name: 'node', path: '/nodes/{node}' },
  { name: 'counter', path: '/counter', height: 680, fromStart: true },
  {
    name: 'watch',
    path: '/topics/web-hooks',
    async prepare(page) {
      await page.getByRole('tabpanel').getByRole('button', { name: 'Watch' }).click()
      await page.locator('.message-line').nth(9).waitFor()
      // With a key, as they move until one is opened.
      await page.locator('.message-line').nth(2).press('Enter')
      await page.locator('button.held').waitFor()
      return card(page, 'Messages')
    },
  },
  {
    name: 'peek',
    path: '/topics/audit-log/archive',
    async prepare(page) {
      await page.locator('.message-line').first().click()
      return card(page, 'Messages')
    },
  },
  {
    name: 'publish',
    path: '/topics/orders?messages=publish',
    async prepare(page) {
      await page
        .getByLabel('Message', { exact: true })
        .fill('{"order": 50123, "customer": "ada", "express": true}')
      await page.getByLabel('Deferred by').fill('1m30s')
      await page.getByRole('button', { name: 'Publish', exact: true }).click()
      await page.locator('.said li').waitFor()
      return card(page, 'Messages')
    },
  },
  {
    name: 'delete',
    path: '/topics/audit-log',
    theme: 'dark',
    height: 620,
    async prepare(page) {
      await page.getByRole('button', { name: 'Delete' }).click()
      await page.getByRole('dialog').getByRole('textbox').fill('audit-')
    },
  },
]

async function open(browser: Browser, cluster: SampleCluster, shot: Shot): Promise<Page> {
  const { path, theme = 'light', phone = false, height } = shot
  const size = phone ? PHONE : DESK
  const page = await browser.newPage({
    colorScheme: theme,
    viewport: { ...size, height: height ?? size.height },
    reducedMotion: 'reduce',
  })
  const node = encodeURIComponent(cluster.daemons.nsqds[0]?.http ?? '')
  await page.goto(cluster.url + path.replace('{node}', node))
  await page.locator('.connection .state').getByText('Live', { exact: true }).waitFor()
  return page
}

async function take(page: Page, { name, prepare }: Shot): Promise<void> {
  // A rate is known with the second look.
  await pause(4_500)
  const part = (await prepare?.(page)) ?? page
  const bytes = await part.screenshot({ animations: 'disabled', caret: 'hide' })
  await page.close()
  writeFileSync(`${FOLDER}nsqadmin-${name}.png`, bytes)
  const weight = `${Math.round(bytes.length / 1024)} KiB`
  process.stdout.write(`nsqadmin-${name}.png ${weight}\n`)
  if (bytes.length > MOST_BYTES) {
    process.stdout.write(`nsqadmin-${name}.png is too large for the documents\n`)
    process.exitCode = 1
  }
}

const [seconds = '300', ...names] = process.argv.slice(2)
const wanted = SHOTS.filter(({ name }) => names.length === 0 || names.includes(name))
mkdirSync(FOLDER, { recursive: true })
const cluster = await SampleCluster.start()
try {
  const browser = await launch()
  process.stdout.write(`${cluster.url}, for ${seconds} s\n`)
  try {
    const early = new Map<Shot, Page>()
    for (const shot of wanted) {
      if (shot.fromStart) early.set(shot, await open(browser, cluster, shot))
    }
    // While somebody looks, the past is kept more finely.
    const visitor = await browser.newPage()
    await visitor.goto(`${cluster.url}/`)
    await pause(Number(seconds) * 1000)
    await visitor.close()
    await cluster.prepare()
    for (const shot of wanted) await take(early.get(shot) ?? (await open(browser, cluster, shot)), shot)
  } finally {
    await browser.close()
  }
} finally {
  await cluster.close()
}
