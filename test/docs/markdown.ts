/** The few things that the tests of the documents need to know of Markdown. */
import { readdirSync, readFileSync } from 'node:fs'

export const ROOT: URL = new URL('../../', import.meta.url)

export interface Page {
  /** Relative to the root: `docs/nsqd.md`. */
  path: string
  text: string
}

export interface Block {
  language: string
  text: string
  /** The heading above it. */
  section: string
}

/** Every document for users: those of the root and of docs/. */
export function pages(): Page[] {
  return ['', 'docs/']
    .flatMap(folder => readdirSync(new URL(folder, ROOT)).map(name => folder + name))
    .filter(path => path.endsWith('.md'))
    .map(page)
}

export function page(path: string): Page {
  return { path, text: readFileSync(new URL(path, ROOT), 'utf8') }
}

/** The fenced blocks of a page. */
export function blocks({ text }: Page): Block[] {
  const found: Block[] = []
  let section = ''
  for (const [, heading, language, body] of text.matchAll(/^#+ (.*)$|^```(\w+)\n([\s\S]*?)^```$/gm)) {
    if (heading !== undefined) section = heading
    else found.push({ language: language ?? '', text: body ?? '', section })
  }
  return found
}

export function withoutBlocks({ text }: Page): string {
  return text.replaceAll(/^```[\s\S]*?^```$/gm, '')
}

/** The anchors of a page's headings, as GitHub makes them. */
export function anchors(page: Page): Set<string> {
  const headings = withoutBlocks(page).matchAll(/^#+ (.*)$/gm)
  return new Set(Array.from(headings, ([, heading = '']) => anchor(heading)))
}

function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-')
}
