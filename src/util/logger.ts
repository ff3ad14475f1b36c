/** Log levels, as numbers that grow with importance. A logger writes what is at its level or above. */
export const LogLevel = { debug: 1, info: 2, warning: 3, error: 4, fatal: 5 } as const

const NAMES = ['', 'DEBUG', 'INFO', 'WARNING', 'ERROR', 'FATAL']

const LEVELS: ReadonlyMap<string, number> = new Map([
  ...Object.entries(LogLevel),
  ['warn', LogLevel.warning] as const,
])

/** Reads a level's name (`debug`, `INFO`, `warn`, …); undefined when there is none such. */
export function parseLevel(text: string): number | undefined {
  return LEVELS.get(text.toLowerCase())
}

export interface LoggerOptions {
  /** What each line begins with, as it is: official prefixes end with a space, `[nsqd] `. */
  prefix: string
  level: number
  /** Takes each line, with its newline; stderr unless given. */
  write?: (line: string) => void
}

/** What to log: a function is called only when the level is on. */
export type LogText = string | (() => string)

/**
 * Writes log lines in the official daemons' format, local time:
 *
 *     [nsqd] 2026/01/02 15:04:05.000000 INFO: text
 *
 * Whatever is not to be seen, or changes what is, is escaped: control characters, other ways to end a line, marks that turn
 * the order of the text around, and halves of characters. What a client sends cannot forge a line or move the cursor. Words of
 * all scripts, and emoji, stay as they are.
 */
export class Logger {
  level: number
  readonly #prefix: string
  readonly #write: (line: string) => void

  constructor({ prefix, level, write = line => void process.stderr.write(line) }: LoggerOptions) {
    this.level = level
    this.#prefix = prefix
    this.#write = write
  }

  debug(text: LogText): void {
    if (this.level <= LogLevel.debug) this.#line(LogLevel.debug, text)
  }

  info(text: LogText): void {
    if (this.level <= LogLevel.info) this.#line(LogLevel.info, text)
  }

  warn(text: LogText): void {
    if (this.level <= LogLevel.warning) this.#line(LogLevel.warning, text)
  }

  error(text: LogText): void {
    if (this.level <= LogLevel.error) this.#line(LogLevel.error, text)
  }

  /** Only writes the line: ending the process is for the caller. */
  fatal(text: LogText): void {
    if (this.level <= LogLevel.fatal) this.#line(LogLevel.fatal, text)
  }

  #line(level: number, text: LogText): void {
    const message = escapeHidden(typeof text === 'string' ? text : text())
    this.#write(`${this.#prefix}${timestamp(new Date())} ${NAMES[level]}: ${message}\n`)
  }
}

const SIMPLE: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

/**
 * Format characters (Cf) are hidden, but for two without which Persian, Indic words and emoji fall apart, as they say whether
 * letters join, and the signs of numbers and verses, which are seen.
 */
const HARMLESS = String.raw`\u200c\u200d\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2`
const HIDDEN = new RegExp(String.raw`(?![${HARMLESS}])[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]`, 'gu')

function escapeHidden(text: string): string {
  return text.replace(HIDDEN, character => {
    const code = character.codePointAt(0) ?? 0
    const hex = code.toString(16)
    return SIMPLE[character] ?? (code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`)
  })
}

function two(n: number): string {
  return String(n).padStart(2, '0')
}

function timestamp(date: Date): string {
  const day = `${date.getFullYear()}/${two(date.getMonth() + 1)}/${two(date.getDate())}`
  const time = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
  return `${day} ${time}.${String(date.getMilliseconds()).padStart(3, '0')}000`
}
