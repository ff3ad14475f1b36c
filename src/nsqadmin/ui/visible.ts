/**
 * What a browser does not show, or shows elsewhere than it stands: control characters, overrides of the writing
 * direction, invisible and tag characters, halves of surrogate pairs. Messages may use them to look like what they are not.
 */

/** A stretch of text, or one of those characters, once or several times: what to show in its place, and what it is. */
export type Run = { text: string } | { label: string; title: string }

// Newline and tab are shown as what they are. A joiner (U+200C, U+200D) stays: emoji and many scripts need it.
const HIDDEN =
  // oxlint-disable-next-line no-control-regex, no-misleading-character-class -- these are what is looked for
  /([\0-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e0fff}]|\p{Cs})\1*/gu

/** Cuts a text into runs that together are the whole text. */
export function visibleRuns(text: string): Run[] {
  const runs: Run[] = []
  let end = 0
  for (const { 0: found, 1: character = '', index } of text.matchAll(HIDDEN)) {
    if (index > end) runs.push({ text: text.slice(end, index) })
    end = index + found.length
    runs.push(naming(character, found.length / character.length))
  }
  if (end < text.length) runs.push({ text: text.slice(end) })
  return runs
}

/** The same as one plain text, for a title or an attribute. */
export function visibleText(text: string): string {
  return visibleRuns(text)
    .map(run => ('text' in run ? run.text : `‹${run.label}›`))
    .join('')
}

const CONTROLS =
  'NUL SOH STX ETX EOT ENQ ACK BEL BS HT LF VT FF CR SO SI DLE DC1 DC2 DC3 DC4 NAK SYN ETB CAN EM SUB ESC FS GS RS US'.split(
    ' ',
  )

const NAMES: ReadonlyMap<number, readonly [label: string, title: string]> = new Map([
  [0x7f, ['DEL', 'delete']],
  [0xad, ['SHY', 'soft hyphen']],
  [0x61c, ['ALM', 'Arabic letter mark']],
  [0x200b, ['ZWSP', 'zero width space']],
  [0x200e, ['LRM', 'left-to-right mark']],
  [0x200f, ['RLM', 'right-to-left mark']],
  [0x2028, ['LSEP', 'line separator']],
  [0x2029, ['PSEP', 'paragraph separator']],
  [0x202a, ['LRE', 'left-to-right embedding']],
  [0x202b, ['RLE', 'right-to-left embedding']],
  [0x202c, ['PDF', 'end of a change of direction']],
  [0x202d, ['LRO', 'left-to-right override']],
  [0x202e, ['RLO', 'right-to-left override']],
  [0x2060, ['WJ', 'word joiner']],
  [0x2066, ['LRI', 'left-to-right isolate']],
  [0x2067, ['RLI', 'right-to-left isolate']],
  [0x2068, ['FSI', 'first strong isolate']],
  [0x2069, ['PDI', 'end of an isolate']],
  [0xfeff, ['BOM', 'byte order mark']],
])

function naming(character: string, count: number): { label: string; title: string } {
  const code = character.codePointAt(0) ?? 0
  const point = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  const [label, what] = NAMES.get(code) ?? [CONTROLS[code] ?? point, kindOf(code)]
  const times = count === 1 ? '' : `×${count}`
  return { label: `${label}${times}`, title: `${point} ${what}${count === 1 ? '' : `, ${count} times`}` }
}

function kindOf(code: number): string {
  if (code < 0xa0) return 'control character'
  return code >= 0xd800 && code < 0xe000 ? 'half of a surrogate pair' : 'invisible character'
}
