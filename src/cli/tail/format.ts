import { UsageError } from '../errors.ts'
import { printable, unescapeBytes } from '../escape.ts'
import { encodeRecord, formatTimestamp, type MessageRecord } from '../../archive/jsonl.ts'
import { suggest } from '../../util/suggest.ts'
import type { Painter } from '../colour.ts'

/** Appends a message to what will be written; the newline included. */
export type Format = (message: MessageRecord, out: Buffer[]) => void

const NEWLINE = Buffer.from('\n')

export interface TextOptions {
  printTopic: boolean
  timestamps: boolean
  /** A terminal shows it: control characters are escaped. */
  forTerminal: boolean
  painter: Painter
}

/** The body as it is, as nsq_tail prints it, after the timestamp and the topic where these are wanted. */
export function textFormat({ printTopic, timestamps, forTerminal, painter }: TextOptions): Format {
  // What a message says is read when it is asked for, so nothing is asked for that is not printed.
  return (message, out) => {
    let head = ''
    if (timestamps) head += `${painter.dim(formatTimestamp(message.timestamp))} | `
    if (printTopic) head += `${painter.cyan(message.topic)} | `
    if (head !== '') out.push(Buffer.from(head))
    const { body } = message
    out.push(forTerminal ? Buffer.from(printable(body)) : body, NEWLINE)
  }
}

export const jsonFormat: Format = (message, out) => {
  out.push(Buffer.from(`${encodeRecord(message)}\n`))
}

type Field = (message: MessageRecord) => string | Buffer

const FIELDS: Readonly<Record<string, Field>> = {
  topic: message => message.topic,
  id: message => message.id,
  timestamp: message => formatTimestamp(message.timestamp),
  nanoseconds: message => String(message.timestamp),
  attempts: message => String(message.attempts),
  nsqd: message => message.nsqd,
  size: message => String(message.body.length),
  body: message => message.body,
  base64: message => message.body.toString('base64'),
}

export const fieldNames: readonly string[] = Object.keys(FIELDS)

/**
 * A line of the user's making: `{timestamp} {topic}: {body}`, with escapes as in `--delimiter`; `{{` is a brace.
 *
 * @throws UsageError for a placeholder that is none.
 */
export function templateFormat(template: string, forTerminal: boolean): Format {
  const pieces: (Buffer | Field)[] = []
  let end = 0
  for (const match of template.matchAll(/\{\{|\{([^{}]*)\}/g)) {
    const [whole, name] = match
    pieces.push(
      unescapeText(template.slice(end, match.index)),
      name === undefined ? Buffer.from('{') : field(name),
    )
    end = match.index + whole.length
  }
  pieces.push(unescapeText(template.slice(end)))
  return (message, out) => {
    for (const piece of pieces) {
      const value = typeof piece === 'function' ? piece(message) : piece
      if (typeof value === 'string') out.push(Buffer.from(value))
      else out.push(forTerminal && piece === FIELDS['body'] ? Buffer.from(printable(value)) : value)
    }
    out.push(NEWLINE)
  }
}

function field(name: string): Field {
  const found = FIELDS[name]
  if (found !== undefined) return found
  const near = suggest(name, fieldNames)
  throw new UsageError(
    `--format: there is no {${name}}`,
    near === undefined
      ? `Use ${fieldNames.map(each => `{${each}}`).join(' ')}; {{ is a brace.`
      : `Did you mean {${near}}?`,
  )
}

function unescapeText(text: string): Buffer {
  try {
    return unescapeBytes(text)
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(`--format: ${error.message}`)
    throw error
  }
}
