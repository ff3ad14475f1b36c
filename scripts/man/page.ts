import { section, roff } from './roff.ts'

export interface Page {
  /** As in `man NAME`: `nsq-ts-tail`, `nsq_tail`. */
  readonly name: string
  /** What it does, in a few words. */
  readonly summary: string
  /** After NAME. */
  readonly sections: readonly string[]
  /** Names of other pages. */
  readonly seeAlso: readonly string[]
}

/** mandoc wants a date; this is of the last change to what all pages have in common. */
const DATE = '2026-11-21'
const NOTICE = '.\\" Made from the definitions in src/cli by "npm run docs". Do not edit.'

/** The text of a page. */
export function pageText({ name, summary, sections, seeAlso }: Page): string {
  const others = [...new Set(seeAlso)].filter(other => other !== name)
  const references = others.map((other, index) => `.BR ${roff(other)} (1)${index < others.length - 1 ? ',' : ''}`)
  return (
    [
      NOTICE,
      `.TH ${roff(name.toUpperCase())} 1 "${DATE}" "nsq\\-ts" "nsq\\-ts manual"`,
      // Names and values are not to be broken.
      '.nr HY 0\n.nh\n.ad l',
      section('NAME', `${roff(name)} \\- ${roff(lowerFirst(summary))}`),
      ...sections,
      section('SEE ALSO', ...references),
    ].join('\n') + '\n'
  )
}

/** What a sentence has at its beginning, within one: unless it is a name, as `NSQ`. */
export function lowerFirst(text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text.charAt(0).toLowerCase() + text.slice(1) : text
}

export function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}
