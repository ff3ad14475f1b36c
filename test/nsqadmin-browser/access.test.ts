/** Who may see and do what, as it looks in the page. */
import assert from 'node:assert/strict'
import http, { createServer } from 'node:http'
import type { Page } from 'playwright-core'
import { closeHttpServer } from '../../src/http/server.ts'
import { listenTcp } from '../../src/net/listen.ts'
import { formatAddress } from '../../src/util/address.ts'
import { start } from '../nsqadmin/rig.ts'
import { browserTests } from './browser.ts'
import { topicIs } from './daemons.ts'
import { button, isAt, isLive, question, row, says, sees, turnTo } from './seen.ts'

const inBrowser = browserTests()
const FAST = { pollInterval: 200 }
const STEERING = ['Pause', 'Empty', 'Delete', 'Tombstone…', 'Create topic']

/** Fails unless nothing that changes something is offered on any page. */
async function offersNothing(page: Page, base: string, node: string): Promise<void> {
  for (const path of ['/topics/orders', '/topics/orders/billing', `/nodes/${node}`, '/lookup', '/']) {
    await turnTo(page, base + path)
    for (const name of STEERING) assert.equal(await button(page, name).count(), 0, `${name} on ${path}`)
  }
  assert.equal(await page.getByRole('link', { name: 'New topic' }).count(), 0)
}

inBrowser('--read-only: everything is shown, nothing is offered, and peeking goes on', async (t, visitor) => {
  const rig = await start(t, { ...FAST, readOnly: true })
  await rig.channel('orders', 'billing')
  await rig.publish('orders', '{"order":1}')
  const page = await visitor.open(`${rig.base}/`)
  await offersNothing(page, rig.base, formatAddress(rig.nsqd.httpAddress))
  await sees(page.locator('.connection'), 'read-only')
  await turnTo(page, `${rig.base}/topics/orders/billing`)
  await sees(page, 'All there is: 1 message.')
  for (const [tab, what] of [
    ['Watch', 'watch messages'],
    ['Publish', 'publish'],
  ] as const) {
    await page.getByRole('tab', { name: tab }).click()
    await sees(page, `Here you cannot ${what}. This nsqadmin was started with --read-only.`)
  }
})

inBrowser('--admin-user: others only look, administrators steer', async (t, visitor) => {
  const rig = await start(t, { ...FAST, adminUser: ['ada'], aclHttpHeader: 'X-User' })
  await rig.channel('orders', 'billing')
  await rig.publish('orders', '{"order":1}')
  const guest = await visitor.open(`${rig.base}/`, { headers: { 'X-User': 'bob' } })
  await offersNothing(guest, rig.base, formatAddress(rig.nsqd.httpAddress))
  await sees(guest.locator('.connection'), 'visitor')
  await turnTo(guest, `${rig.base}/topics/orders?messages=publish`)
  await sees(guest, 'Here you cannot publish. bob is not among its administrators (--admin-user).')

  const admin = await visitor.open(`${rig.base}/topics/orders`, { headers: { 'X-User': 'ada' } })
  await isLive(admin)
  await button(admin, 'Pause').click()
  await button(question(admin, 'Pause topic orders?'), 'Pause topic').click()
  await says(admin, 'Topic orders is paused')
  await topicIs(rig.nsqd, 'orders', facts => facts?.paused === true)
  // All see it.
  await turnTo(guest, `${rig.base}/`)
  await row(guest, 'Topics', 'orders').getByText('paused').waitFor()
})

inBrowser('who is no administrator any more is told so where it is done', async (t, visitor) => {
  const rig = await start(t, { ...FAST, adminUser: ['ada'], aclHttpHeader: 'X-User' })
  await rig.publish('orders', '{"order":1}')
  const page = await visitor.open(`${rig.base}/topics/orders`, {
    headers: { 'X-User': 'ada' },
    expected: /status of 403/,
  })
  await isLive(page)
  await page.context().setExtraHTTPHeaders({ 'X-User': 'bob' })
  await button(page, 'Pause').click()
  const dialog = question(page, 'Pause topic orders?')
  await button(dialog, 'Pause topic').click()
  await dialog.getByRole('alert').getByText('You are not an administrator here.').waitFor()
  await topicIs(rig.nsqd, 'orders', facts => facts?.paused === false)
})

inBrowser('--auth-token: signing in leads to the page that was asked for', async (t, visitor) => {
  const rig = await start(t, { ...FAST, authToken: 'open-sesame', basePath: '/nsq' })
  await rig.publish('orders', '{"order":1}')
  const page = await visitor.open(`${rig.base}/topics/orders?messages=publish`, {
    expected: /status of 401/,
  })
  const token = page.getByLabel('Token')
  await token.fill('open-seasame')
  await page.keyboard.press('Enter')
  await sees(page, 'That is not the token.')
  await token.fill('open-sesame')
  await button(page, 'Sign in').click()
  await isAt(page, 'orders')
  assert.equal(page.url(), `${rig.base}/topics/orders?messages=publish`)
  await isLive(page)
  await page.getByRole('textbox', { name: 'Message', exact: true }).fill('signed')
  await button(page, 'Publish').click()
  await sees(page, /1 message published to /)
  await page.reload()
  await isLive(page)
  assert.equal(await page.evaluate('document.cookie'), '')
  // It is of this browser alone.
  const other = await visitor.open(`${rig.base}/`, { expected: /status of 401/ })
  await other.getByLabel('Token').waitFor()
})

inBrowser("another site's page gets nothing done, and cannot show ours in a frame", async (t, visitor) => {
  const rig = await start(t, FAST)
  await rig.publish('orders', '{"order":1}')
  // The same machine by its other name: another site, as browsers see it.
  const site = createServer((_, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end(`<title>other</title><iframe src="${rig.base}/"></iframe>
      <form id="form" method="post" enctype="text/plain" action="${rig.base}/api/topics/orders" target="here">
        <input name='{"action":"pause","x":"' value='"}'></form><iframe name="here"></iframe>`)
  })
  const { port } = await listenTcp(site, { host: '127.0.0.1', port: 0 })
  t.after(() => closeHttpServer(site))
  const page = await visitor.open(`http://localhost:${port}/`, {
    expected: /frame-ancestors|status of 403|X-Frame-Options|CORS|net::ERR_|asked for|Cross-Origin/,
  })
  const answer = await page.evaluate(
    `fetch('${rig.base}/api/topics/orders', { method: 'DELETE' }).then(String, () => 'failed')`,
  )
  assert.equal(answer, 'failed')
  const watched = await page.evaluate(
    `fetch('${rig.base}/api/watch?topic=orders', { mode: 'no-cors' }).then(reply => reply.type, () => 'failed')`,
  )
  assert.equal(watched, 'failed')
  const sent = page.waitForResponse(`${rig.base}/api/topics/orders`)
  await page.evaluate(`document.getElementById('form').submit()`)
  assert.equal((await sent).status(), 403)
  await topicIs(rig.nsqd, 'orders', facts => facts?.paused === false)
  for (const frame of page.frames().slice(1)) assert.equal(await frame.locator('#page').count(), 0)
})

inBrowser('a name that leads here is refused unless it is allowed', async (t, visitor) => {
  const rig = await start(t, { ...FAST, allowedHost: ['127.0.0.1'] })
  await rig.publish('orders', '{"order":1}')
  const page = await visitor.open(`${rig.base}/`)
  await row(page, 'Topics', 'orders').waitFor()
  const { port } = rig.admin.httpAddress
  const other = await visitor.open(`http://localhost:${port}/`, { expected: /status of 4\d\d/ })
  assert.doesNotMatch(await other.locator('body').innerText(), /orders/)
})

inBrowser('nothing may run or load that the server has not sent itself', async (t, visitor) => {
  const rig = await start(t, FAST)
  const page = await visitor.open(`${rig.base}/`, {
    expected: /Content Security Policy|violates the following|asked for/,
  })
  await page.evaluate(`
    window.done = []
    const script = document.createElement('script')
    script.textContent = 'window.done.push("inline")'
    document.body.append(script)
    document.body.insertAdjacentHTML('beforeend', '<button onclick="window.done.push(1)">press</button>')
    document.body.lastElementChild.click()
    const style = document.createElement('style')
    style.textContent = 'h1 { display: none }'
    document.head.append(style)
  `)
  await assert.rejects(
    page.evaluate(`new Promise((resolve, reject) => {
      const script = document.createElement('script')
      script.onload = resolve
      script.onerror = () => reject(new Error('refused'))
      script.src = 'data:text/javascript,window.done.push(2)'
      document.body.append(script)
    })`),
    /refused/,
  )
  assert.deepEqual(await page.evaluate('window.done'), [])
  assert.equal(await page.locator('h1').isVisible(), true)
})

inBrowser('behind a proxy that names the user and has another host', async (t, visitor) => {
  const rig = await start(t, { ...FAST, basePath: '/nsq', adminUser: ['ada'] })
  await rig.publish('orders', '{"order":1}')
  const proxy = createServer((request, response) => {
    const { host, port } = rig.admin.httpAddress
    const headers = {
      ...request.headers,
      host: 'nsqadmin.internal',
      'x-forwarded-host': request.headers.host,
      'x-forwarded-user': 'ada',
    }
    // As to a site over plain http, where browsers do not say it.
    delete headers['sec-fetch-site']
    const passed = http.request({ host, port, method: request.method, path: request.url, headers }, reply => {
      response.writeHead(reply.statusCode ?? 502, reply.headers)
      reply.pipe(response)
    })
    passed.on('error', () => response.destroy())
    response.on('close', () => passed.destroy())
    request.pipe(passed)
  })
  const { port } = await listenTcp(proxy, { host: '127.0.0.1', port: 0 })
  t.after(() => closeHttpServer(proxy))
  const page = await visitor.open(`http://127.0.0.1:${port}/nsq/topics/orders`)
  await isLive(page)
  await button(page, 'Pause').click()
  await button(question(page, 'Pause topic orders?'), 'Pause topic').click()
  await says(page, 'Topic orders is paused')
  await page.locator('h1 .chip', { hasText: 'paused' }).waitFor()
  await sees(page.locator('footer'), 'ada')
})
