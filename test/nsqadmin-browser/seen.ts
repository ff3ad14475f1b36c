/** What the tests look at in the page, by what a reader knows it by. */
import type { Locator, Page } from 'playwright-core'
import { pause } from '../support/wait.ts'
import { PATIENCE_MS } from './browser.ts'

/** Waits until what is read is so, and returns it. */
export async function eventually<T>(
  read: () => T | Promise<T>,
  isSo: (value: T) => boolean,
  what = isSo.toString(),
): Promise<T> {
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const value = await read()
    if (isSo(value)) return value
    if (performance.now() > deadline)
      throw new Error(`waited for too long: ${what}, not ${JSON.stringify(value)}`)
    await pause(50)
  }
}

/** Waits until these words are seen. */
export async function sees(page: Page | Locator, text: string | RegExp): Promise<void> {
  await page.getByText(text).first().waitFor()
}

/** Waits until the page has this heading and title: it is the page that was asked for. */
export async function isAt(page: Page, heading: string, title = heading): Promise<void> {
  await page.locator('h1').getByText(heading, { exact: true }).waitFor()
  await eventually(
    () => page.title(),
    text => text === `${title} · nsqadmin`,
    `the title ${title}`,
  )
}

/** Waits until the numbers are live. */
export async function isLive(page: Page): Promise<void> {
  await page.locator('.connection .state').getByText('Live', { exact: true }).waitFor()
  await page.locator('.loading').waitFor({ state: 'detached' })
}

/** Goes to another address without loading the page anew, as its links do, and waits until its numbers are live. */
export async function turnTo(page: Page, url: string): Promise<void> {
  const asked = page.waitForRequest(request => request.url().includes('/api/live?'))
  await page.evaluate(
    `history.pushState(null, '', ${JSON.stringify(url)}); dispatchEvent(new PopStateEvent('popstate'))`,
  )
  await asked
  await isLive(page)
}

/** The number of a tile at the head of the page: 1,234 as 1234, NaN while it is not known. */
export async function tile(page: Page, label: string): Promise<number> {
  const value = page
    .locator('.tile')
    .filter({ has: page.getByText(label, { exact: true }) })
    .locator('.value')
  return Number((await value.innerText()).replaceAll(/[^\d.]/g, '') || Number.NaN)
}

/** A row of a table, by what is in its first column. */
export function row(page: Page, table: string, name: string): Locator {
  const region = page.getByRole('region', { name: table, exact: true })
  return region.locator('tbody tr').filter({ has: page.locator('th').getByText(name, { exact: true }) })
}

export function button(page: Page | Locator, name: string | RegExp): Locator {
  return typeof name === 'string'
    ? page.getByRole('button', { name, exact: true })
    : page.getByRole('button', { name })
}

/** The question that is asked, which has this title. */
export function question(page: Page, title: string): Locator {
  return page.getByRole('dialog', { name: title, exact: true })
}

/** Waits until the page says that something has been done, or has said so and closed the notice again. */
export async function says(page: Page, text: string): Promise<void> {
  await eventually(
    () => page.evaluate<string[]>('window.notices'),
    notices => notices.includes(text),
    `the notice "${text}"`,
  )
}
