/**
 * JSON as lines that can be folded. It is not parsed into values: numbers beyond double precision, the order of keys
 * and keys that come twice stay as they were sent. Nothing here recurses, so that depth is not a danger.
 */

export interface JsonLine {
  /** Containers around it. */
  depth: number
  /** The name of a member as it was written, with its quotes; empty in a list and for what closes. */
  key: string
  kind: 'string' | 'number' | 'word' | 'open' | 'close' | 'cut'
  /** As it was written; a bracket for `open` and `close`, both of them when there is nothing between. */
  text: string
  /** Whether another member follows. */
  comma: boolean
  /** Of `open`: the line that closes it. Otherwise its own. */
  end: number
  /** Of `open`: how many members. */
  members: number
  /** Where it stands in the text, for a glimpse at what is folded. */
  from: number
}

interface Open {
  line: JsonLine
  close: '}' | ']'
}

const SPACE = /[ \t\r\n]*/y
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y
const WORD = /true|false|null/y
const HALF = /[-+.\w]*$/y
const ESCAPE = /(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/y

/**
 * The lines of an object or a list; undefined when the text is neither, or not JSON. With `cut`, a text that ends too
 * early is JSON too: its last line says so.
 */
export function jsonLines(text: string, cut = false): JsonLine[] | undefined {
  return new Reader(text, cut).read()
}

class Reader {
  readonly #text: string
  readonly #cut: boolean
  readonly #lines: JsonLine[] = []
  readonly #open: Open[] = []
  #at = 0

  constructor(text: string, cut: boolean) {
    this.#text = text
    this.#cut = cut
  }

  read(): JsonLine[] | undefined {
    this.#skip(SPACE)
    const first = this.#text[this.#at]
    if (first !== '{' && first !== '[') return undefined
    this.#push('open', '', first, this.#at)
    while (this.#open.length > 0) {
      const going = this.#member()
      if (going) continue
      return this.#cut && this.#at >= this.#text.length ? this.#close() : undefined
    }
    this.#skip(SPACE)
    return this.#at === this.#text.length ? this.#lines : undefined
  }

  /** Reads one member, or the end of the innermost container; false where the text is not JSON, or ends. */
  #member(): boolean {
    const top = this.#open.at(-1)
    if (top === undefined) return false
    this.#skip(SPACE)
    if (this.#text[this.#at] === top.close) return this.#end(top)
    if (top.line.members > 0) {
      if (this.#text[this.#at] !== ',') return false
      const last = this.#lines.at(-1)
      this.#at++
      this.#skip(SPACE)
      if (last !== undefined && this.#at < this.#text.length) last.comma = true
    }
    const from = this.#at
    const key = top.close === '}' ? this.#key() : ''
    if (key === undefined) return false
    this.#skip(SPACE)
    const value = this.#value()
    if (value === undefined) return false
    top.line.members++
    this.#push(value.kind, key, value.text, from)
    return true
  }

  #end(top: Open): boolean {
    this.#at++
    this.#open.pop()
    if (top.line.members === 0) {
      top.line.text += top.close
      top.line.kind = 'word'
      return true
    }
    top.line.end = this.#lines.length
    this.#lines.push(this.#line('close', '', top.close, this.#at - 1))
    return true
  }

  /** `"name":`, without the colon. */
  #key(): string | undefined {
    const end = this.#string()
    if (end === undefined) return undefined
    const key = this.#text.slice(this.#at, end)
    this.#at = end
    this.#skip(SPACE)
    if (this.#text[this.#at] !== ':') return undefined
    this.#at++
    return key
  }

  #value(): { kind: JsonLine['kind']; text: string } | undefined {
    const from = this.#at
    const first = this.#text[from]
    if (first === '{' || first === '[') return { kind: 'open', text: first }
    if (first === '"') {
      const end = this.#string()
      if (end !== undefined) this.#at = end
      else if (this.#at === from) return undefined
      return { kind: 'string', text: this.#text.slice(from, this.#at) + (end === undefined ? '…' : '') }
    }
    // Half of a number may look like a whole one: what touches the cut is left out.
    if (this.#cut && this.#skip(HALF)) return undefined
    const kind = this.#skip(WORD) ? 'word' : this.#skip(NUMBER) ? 'number' : undefined
    if (kind === undefined) return undefined
    return { kind, text: this.#text.slice(from, this.#at) }
  }

  /** Where the string that begins here ends. One that was cut has no end, and we are behind it afterwards. */
  #string(): number | undefined {
    if (this.#text[this.#at] !== '"') return undefined
    let at = this.#at + 1
    while (at < this.#text.length) {
      const code = this.#text.charCodeAt(at)
      if (code === 0x22) return at + 1
      if (code < 0x20) return undefined
      if (code === 0x5c) {
        ESCAPE.lastIndex = at + 1
        const length = ESCAPE.exec(this.#text)?.[0].length
        if (length === undefined) {
          if (at + 6 >= this.#text.length) break
          return undefined
        }
        at += length
      }
      at++
    }
    if (this.#cut) this.#at = this.#text.length
    return undefined
  }

  /** What is still open when the text ends before it does. */
  #close(): JsonLine[] {
    const line = this.#line('cut', '', '…', this.#text.length)
    line.depth = this.#open.length
    this.#lines.push(line)
    for (let top = this.#open.pop(); top !== undefined; top = this.#open.pop()) {
      top.line.end = this.#lines.length
      this.#lines.push(this.#line('close', '', top.close, this.#text.length))
    }
    return this.#lines
  }

  #push(kind: JsonLine['kind'], key: string, text: string, from: number): void {
    const line = this.#line(kind, key, text, from)
    this.#lines.push(line)
    if (kind !== 'open') return
    this.#open.push({ line, close: text === '{' ? '}' : ']' })
    this.#at++
  }

  #line(kind: JsonLine['kind'], key: string, text: string, from: number): JsonLine {
    const depth = this.#open.length
    return { depth, key, kind, text, comma: false, end: this.#lines.length, members: 0, from }
  }

  #skip(pattern: RegExp): boolean {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)
    if (found === null) return false
    this.#at += found[0].length
    return true
  }
}
