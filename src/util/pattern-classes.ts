/** The classes of characters that regular expressions of Go's regexp package (RE2) name. */

/** Whether a code point is in the class. */
export type Test = (code: number) => boolean

const isDigit = range('0', '9')
const isUpper = range('A', 'Z')
const isLower = range('a', 'z')
const isLetter = either(isUpper, isLower)
export const isAlphanumeric: Test = either(isDigit, isLetter)
export const isWord: Test = either(isAlphanumeric, oneOf('_'))
const isBlank = oneOf('\t\n\f\r ')

export const ESCAPED_CLASSES: Readonly<Record<string, Test>> = {
  d: isDigit,
  D: not(isDigit),
  s: isBlank,
  S: not(isBlank),
  w: isWord,
  W: not(isWord),
}

export const POSIX_CLASSES: Readonly<Record<string, Test>> = {
  alnum: isAlphanumeric,
  alpha: isLetter,
  ascii: code => code < 0x80,
  blank: oneOf('\t '),
  cntrl: code => code < 0x20 || code === 0x7f,
  digit: isDigit,
  graph: range('!', '~'),
  lower: isLower,
  print: range(' ', '~'),
  punct: code => range('!', '~')(code) && !isAlphanumeric(code),
  space: oneOf('\t\n\v\f\r '),
  upper: isUpper,
  word: isWord,
  xdigit: either(isDigit, range('A', 'F'), range('a', 'f')),
}

/** A general category or a script: \pL, \p{Greek}. Unicode's tables are those of JavaScript. */
export function unicodeClass(name: string): Test {
  for (const property of [name, `Script=${name}`]) {
    try {
      const expression = new RegExp(`^\\p{${property}}$`, 'u')
      return code => expression.test(String.fromCodePoint(code))
    } catch {
      // Not that kind of name.
    }
  }
  throw new RangeError(`invalid character class range \\p{${name}}`)
}

export function range(from: string, to: string): Test {
  const low = codeOf(from)
  const high = codeOf(to)
  return code => code >= low && code <= high
}

function oneOf(characters: string): Test {
  const codes = new Set(Array.from(characters, codeOf))
  return code => codes.has(code)
}

export function either(...tests: readonly Test[]): Test {
  return code => tests.some(test => test(code))
}

export function not(test: Test): Test {
  return code => !test(code)
}

export function codeOf(character: string): number {
  return character.codePointAt(0) ?? -1
}
