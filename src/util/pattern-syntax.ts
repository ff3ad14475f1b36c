import {
  codeOf,
  either,
  ESCAPED_CLASSES,
  isAlphanumeric,
  isWord,
  not,
  POSIX_CLASSES,
  range,
  type Test,
  unicodeClass,
} from './pattern-classes.ts'

/** Reads regular expressions in the syntax of Go's regexp package (RE2) into a tree. */

/** One character is expected: the code point that `matches`. */
interface One {
  readonly kind: 'one'
  readonly matches: Test
}

/** Nothing is consumed: `holds` looks at the code points around `at`. */
interface Assertion {
  readonly kind: 'assertion'
  readonly holds: (codes: readonly number[], at: number) => boolean
}

interface Sequence {
  readonly kind: 'sequence'
  readonly items: readonly PatternNode[]
}

interface Either {
  readonly kind: 'either'
  readonly items: readonly PatternNode[]
}

interface Repeat {
  readonly kind: 'repeat'
  readonly item: PatternNode
  readonly min: number
  readonly max: number
}

export type PatternNode = One | Assertion | Sequence | Either | Repeat

interface Flags {
  /** i */
  readonly anyCase: boolean
  /** m */
  readonly lines: boolean
  /** s */
  readonly dotAll: boolean
}

/** As in Go: a larger count, or a deeper nesting, is refused. */
const MAX_REPEAT = 1000
const MAX_DEPTH = 1000

const LF = 0x0a

const ESCAPED_CHARACTERS: Readonly<Record<string, string>> = {
  a: '\u0007',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

const textBegins: Assertion['holds'] = (_, at) => at === 0
const textEnds: Assertion['holds'] = (codes, at) => at === codes.length
const lineBegins: Assertion['holds'] = (codes, at) => at === 0 || codes[at - 1] === LF
const lineEnds: Assertion['holds'] = (codes, at) => at === codes.length || codes[at] === LF
const wordEdge: Assertion['holds'] = (codes, at) => isWordAt(codes, at - 1) !== isWordAt(codes, at)

/** @throws RangeError that says what is wrong with the expression. */
export function parsePattern(source: string): PatternNode {
  return new Parser(source).parse()
}

class Parser {
  readonly #characters: readonly string[]
  #at = 0
  #depth = 0
  #flags: Flags = { anyCase: false, lines: false, dotAll: false }
  readonly #names = new Set<string>()

  constructor(source: string) {
    this.#characters = Array.from(source)
  }

  parse(): PatternNode {
    const node = this.#alternatives()
    if (this.#at < this.#characters.length) throw new RangeError('unexpected )')
    return node
  }

  /** `a|b|c`, to the end or the closing parenthesis. */
  #alternatives(): PatternNode {
    if (++this.#depth > MAX_DEPTH) throw new RangeError('it is nested too deeply')
    const items = [this.#sequence()]
    while (this.#take('|')) items.push(this.#sequence())
    this.#depth--
    return items.length === 1 && items[0] !== undefined ? items[0] : { kind: 'either', items }
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = []
    for (;;) {
      const next = this.#peek()
      if (next === undefined || next === '|' || next === ')') return { kind: 'sequence', items }
      if (this.#take('\\Q')) {
        items.push(...this.#quoted())
        continue
      }
      const item = this.#repeated(this.#atom())
      if (item !== undefined) items.push(item)
    }
  }

  /** What stands between \Q and \E: every character for itself; the last one may be repeated. */
  #quoted(): PatternNode[] {
    const items: PatternNode[] = []
    while (this.#at < this.#characters.length && !this.#take('\\E')) items.push(this.#literal(this.#next()))
    const last = items.pop()
    return last === undefined ? [] : [...items, this.#repeated(last) ?? last]
  }

  /** `*`, `+`, `?` and `{2,5}` behind an item; the lazy forms match the same texts. */
  #repeated(item: PatternNode | undefined): PatternNode | undefined {
    const counts = this.#counts()
    if (counts === undefined) return item
    if (item === undefined) throw new RangeError('missing argument to repetition operator')
    this.#take('?')
    if (this.#counts() !== undefined) throw new RangeError('invalid nested repetition operator')
    return { kind: 'repeat', item, min: counts[0], max: counts[1] }
  }

  #counts(): [min: number, max: number] | undefined {
    if (this.#take('*')) return [0, Infinity]
    if (this.#take('+')) return [1, Infinity]
    if (this.#take('?')) return [0, 1]
    if (this.#peek() !== '{') return undefined
    // Anything else in braces stands for itself.
    const [whole, low, comma, high] = /^\{(\d+)(,?)(\d*)\}/.exec(this.#rest(16)) ?? []
    if (whole === undefined || (comma === '' && high !== '')) return undefined
    this.#at += whole.length
    const min = Number(low)
    const max = comma === '' ? min : high === '' ? Infinity : Number(high)
    if (min > MAX_REPEAT || (max !== Infinity && max > MAX_REPEAT) || min > max) {
      throw new RangeError(`invalid repeat count ${whole}`)
    }
    return [min, max]
  }

  /** Undefined when it only sets flags, or is a repetition without anything to repeat. */
  #atom(): PatternNode | undefined {
    const character = this.#peek()
    if (character === '*' || character === '+' || character === '?') return undefined
    this.#at++
    switch (character) {
      case '(':
        return this.#group()
      case '[':
        return { kind: 'one', matches: this.#class() }
      case '.':
        return this.#flags.dotAll ? one(() => true) : one(code => code !== LF)
      case '^':
        return assertion(this.#flags.lines ? lineBegins : textBegins)
      case '$':
        return assertion(this.#flags.lines ? lineEnds : textEnds)
      case '\\':
        return this.#escaped()
      default:
        return this.#literal(character ?? '')
    }
  }

  #group(): PatternNode | undefined {
    const outer = this.#flags
    if (this.#take('?')) {
      const [whole, name, flags, end] = /^(?:P?<([^>]*)>|([a-zA-Z-]*)([:)]))/.exec(this.#rest(100)) ?? []
      if (whole === undefined) throw new RangeError('invalid or unsupported Perl syntax: (?')
      this.#at += Array.from(whole).length
      if (name !== undefined) this.#nameGroup(name)
      if (flags !== undefined) this.#flags = readFlags(flags, outer)
      // `(?i)` counts to the end of the group that it stands in.
      if (end === ')') return undefined
    }
    const node = this.#alternatives()
    if (!this.#take(')')) throw new RangeError('missing closing )')
    this.#flags = outer
    return node
  }

  #nameGroup(name: string): void {
    if (!/^\w+$/.test(name)) throw new RangeError(`invalid group name ${JSON.stringify(name)}`)
    if (this.#names.has(name)) throw new RangeError(`duplicate group name ${name}`)
    this.#names.add(name)
  }

  /** Behind a backslash, outside of brackets. */
  #escaped(): PatternNode {
    if (this.#take('A')) return assertion(textBegins)
    if (this.#take('z')) return assertion(textEnds)
    if (this.#take('b')) return assertion(wordEdge)
    if (this.#take('B')) return assertion((codes, at) => !wordEdge(codes, at))
    const known = this.#escapedClass()
    return known === undefined ? this.#literal(this.#escapedCharacter()) : one(this.#folded(known))
  }

  #escapedClass(): Test | undefined {
    const letter = this.#peek() ?? ''
    const known = ESCAPED_CLASSES[letter]
    if (known !== undefined) {
      this.#at++
      return known
    }
    if (letter !== 'p' && letter !== 'P') return undefined
    const [whole, caret, long, short] = /^[pP](?:\{(\^?)(\w+)\}|(\w))/.exec(this.#rest(50)) ?? []
    if (whole === undefined) throw new RangeError('invalid character class range')
    this.#at += whole.length
    const test = unicodeClass(long ?? short ?? '')
    return (letter === 'P') === (caret !== '^') ? not(test) : test
  }

  /** The character that an escape stands for. */
  #escapedCharacter(): string {
    const rest = this.#rest(12)
    const [whole, octal, two, many] =
      /^(?:(0[0-7]{0,2}|[1-7][0-7]{1,2})|x([0-9a-f]{2})|x\{([0-9a-f]+)\})/i.exec(rest) ?? []
    if (whole !== undefined) {
      this.#at += whole.length
      const code = octal === undefined ? Number.parseInt(two ?? many ?? '', 16) : Number.parseInt(octal, 8)
      if (code > 0x10ffff) throw new RangeError(`invalid escape sequence \\${whole}`)
      return String.fromCodePoint(code)
    }
    if (rest === '') throw new RangeError('trailing backslash')
    const character = this.#next()
    const known = ESCAPED_CHARACTERS[character]
    if (known !== undefined) return known
    // Only punctuation may be escaped: letters and digits are kept for later, and \1 is what RE2 cannot do.
    const code = character.codePointAt(0) ?? 0
    if (code >= 0x80 || isAlphanumeric(code)) throw new RangeError(`invalid escape sequence \\${character}`)
    return character
  }

  /** Behind the opening bracket. */
  #class(): Test {
    const isNegated = this.#take('^')
    const tests: Test[] = []
    do {
      tests.push(this.#classItem())
    } while (!this.#take(']'))
    const test = this.#folded(either(...tests))
    return isNegated ? not(test) : test
  }

  #classItem(): Test {
    const [posix, caret, name] = /^\[:(\^?)(\w+):\]/.exec(this.#rest(16)) ?? []
    if (posix !== undefined) {
      const known = POSIX_CLASSES[name ?? '']
      if (known === undefined) throw new RangeError(`invalid character class range ${posix}`)
      this.#at += posix.length
      return caret === '^' ? not(known) : known
    }
    if (this.#peek() === '\\') {
      this.#at++
      const known = this.#escapedClass()
      if (known !== undefined) return known
      this.#at--
    }
    const from = this.#classCharacter()
    const isRange = this.#peek() === '-' && this.#peek(1) !== undefined && this.#peek(1) !== ']'
    if (!isRange) return range(from, from)
    this.#at++
    const to = this.#classCharacter()
    if ((from.codePointAt(0) ?? 0) > (to.codePointAt(0) ?? 0)) {
      throw new RangeError(`invalid character class range ${from}-${to}`)
    }
    return range(from, to)
  }

  #classCharacter(): string {
    if (this.#at >= this.#characters.length) throw new RangeError('missing closing ]')
    return this.#take('\\') ? this.#escapedCharacter() : this.#next()
  }

  #literal(character: string): PatternNode {
    return one(this.#folded(range(character, character)))
  }

  #folded(test: Test): Test {
    if (!this.#flags.anyCase) return test
    return code => {
      const character = String.fromCodePoint(code)
      return test(code) || test(codeOf(character.toLowerCase())) || test(codeOf(character.toUpperCase()))
    }
  }

  #peek(ahead = 0): string | undefined {
    return this.#characters[this.#at + ahead]
  }

  #next(): string {
    return this.#characters[this.#at++] ?? ''
  }

  #take(text: string): boolean {
    if (this.#rest(text.length) !== text) return false
    this.#at += text.length
    return true
  }

  #rest(length = Infinity): string {
    return this.#characters.slice(this.#at, this.#at + length).join('')
  }
}

function one(matches: Test): PatternNode {
  return { kind: 'one', matches }
}

function assertion(holds: Assertion['holds']): PatternNode {
  return { kind: 'assertion', holds }
}

/** `i`, `im`, `i-s`; U (lazy by default) makes no difference to whether something matches. */
function readFlags(text: string, current: Flags): Flags {
  const [, on, off] = /^([imsU]*)(?:-([imsU]+))?$/.exec(text) ?? []
  if (on === undefined) throw new RangeError(`invalid or unsupported Perl syntax: (?${text}`)
  const value = (flag: string, before: boolean): boolean =>
    on.includes(flag) || (before && off?.includes(flag) !== true)
  return {
    anyCase: value('i', current.anyCase),
    lines: value('m', current.lines),
    dotAll: value('s', current.dotAll),
  }
}

function isWordAt(codes: readonly number[], at: number): boolean {
  const code = codes[at]
  return code !== undefined && isWord(code)
}
