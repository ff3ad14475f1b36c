/** Tests that drive nsqadmin's page, as it was built, in a Chromium without a window. */
import assert from 'node:assert/strict'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { after, test, type TestContext } from 'node:test'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'

const NAMES = ['chromium-headless-shell', 'chromium', 'chromium-browser', 'google-chrome']
/** Of whatever the page is waited for: the machine may be busy with other things. */
export const PATIENCE_MS = 30_000

const FLAGS = [
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-gpu',
  '--disable-quic',
  '--disable-sync',
  '--no-first-run',
  // Nothing else is there, so that the page cannot need it.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost',
]

/** Keeps what the page has said in its corner, for those who come too late to see it. */
const NOTE_NOTICES = `
  window.notices = []
  new MutationObserver(() => {
    for (const toast of document.querySelectorAll('.toast')) {
      if (!window.notices.includes(toast.textContent)) window.notices.push(toast.textContent)
    }
  }).observe(document, { subtree: true, childList: true })
`

/** Where Chromium is; undefined where it is not. */
export const chromiumPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .flatMap(folder => NAMES.map(name => join(folder, name)))
  .find(isExecutable)

/** The reason to skip what needs a browser. With REQUIRE_CHROMIUM, as in CI, there is none: it fails instead. */
const skip = chromiumPath === undefined && !process.env['REQUIRE_CHROMIUM'] && 'Chromium is not installed'

/** Starts it, with a profile of its own that goes with it. */
export function launch(): Promise<Browser> {
  assert.ok(chromiumPath !== undefined, 'Chromium is not installed: there is none in PATH')
  return chromium.launch({ executablePath: chromiumPath, args: FLAGS, timeout: 2 * PATIENCE_MS })
}

export type BrowserTest = (name: string, run: (t: TestContext, visitor: Visitor) => Promise<void>) => void

/** Of all tests of this process, as most of what it costs is to start it; there once the first test has needed it. */
let browser: Browser | undefined

/** One browser for all files of a process. Each test has a visitor of its own: no cookies, nothing kept by others. */
export function browserTests(): BrowserTest {
  after(async () => {
    await browser?.close()
    browser = undefined
  })
  return (name, run) =>
    test(name, { skip }, async t => {
      // A test that has brought it down is not to fail the others.
      if (browser?.isConnected() !== true) browser = await launch()
      const visitor = new Visitor(browser)
      try {
        await run(t, visitor)
        await visitor.checkComplaints()
      } catch (error) {
        t.diagnostic(await visitor.describe())
        throw error
      } finally {
        await visitor.leave()
      }
    })
}

export interface VisitOptions {
  theme?: 'light' | 'dark'
  /** 390 by 844, with a finger. */
  phone?: boolean
  /** Sent with every request, as a proxy before nsqadmin would. */
  headers?: Record<string, string>
  /** What the browser may complain of, as the test itself brings it about: a daemon that is gone, say. */
  expected?: RegExp
}

/** Somebody with a browser. */
export class Visitor {
  readonly #browser: Browser
  readonly #contexts: BrowserContext[] = []
  readonly #complaints: string[] = []

  constructor(browser: Browser) {
    this.#browser = browser
  }

  /**
   * Opens an address in a window of its own. What the browser or the page complains of is noted: faults of scripts, what
   * the Content-Security-Policy forbids, and requests to anywhere else.
   */
  async open(url: string, options: VisitOptions = {}): Promise<Page> {
    const { theme = 'light', phone = false, headers = {}, expected } = options
    const context = await this.#browser.newContext({
      colorScheme: theme,
      viewport: phone ? { width: 390, height: 844 } : { width: 1280, height: 900 },
      hasTouch: phone,
      extraHTTPHeaders: headers,
      reducedMotion: 'reduce',
    })
    this.#contexts.push(context)
    context.setDefaultTimeout(PATIENCE_MS)
    const complain = (text: string): void => {
      if (expected?.test(text) !== true) this.#complaints.push(text)
    }
    context.on('console', message => {
      if (['error', 'warning'].includes(message.type())) {
        complain(`${message.type()}: ${message.text()} (${message.location().url})`)
      }
    })
    context.on('weberror', fault => complain(`thrown: ${String(fault.error())}`))
    context.on('request', request => {
      if (new URL(request.url()).origin !== new URL(url).origin) complain(`asked for ${request.url()}`)
    })
    await context.addInitScript(NOTE_NOTICES)
    const page = await context.newPage()
    await page.goto(url)
    return page
  }

  /** Fails when there has been a complaint. */
  async checkComplaints(): Promise<void> {
    // Once the browser has answered, what it had to say before has come.
    for (const page of this.#pages) await page.title()
    assert.deepEqual(this.#complaints.splice(0), [])
  }

  /** What is seen, for who must find out why a test has failed. */
  async describe(): Promise<string> {
    const seen = this.#pages.map(async page => {
      const text = await page.locator('body').innerText({ timeout: 2000 })
      return `${page.url()}\n${text.slice(0, 3000)}`
    })
    const said = await Promise.allSettled(seen)
    const pages = said.map(each => (each.status === 'fulfilled' ? each.value : String(each.reason)))
    return [...pages, 'Complaints:', ...this.#complaints].join('\n')
  }

  async leave(): Promise<void> {
    for (const context of this.#contexts) await context.close()
  }

  get #pages(): Page[] {
    return this.#contexts.flatMap(context => context.pages())
  }
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
