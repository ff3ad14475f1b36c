import { createHash } from 'node:crypto'
import { STATE_FOLDER } from './folders.ts'
import { compileStrftime } from './strftime.ts'

const REVISION = '<REV>'

export interface FileNameOptions {
  /**
   * `<TOPIC>`, `<HOST>`, `<PID>`, `<DATETIME>` and `<REV>` stand for what they say; `/` begins a folder. Specifiers of
   * strftime (`dt=%Y-%m-%d/hour=%H/`) stand for the time of each message, in UTC; `%%` is a percent sign.
   */
  readonly format: string
  /** Of `<DATETIME>`, the time now and here: strftime. */
  readonly datetimeFormat: string
  readonly topic: string
  /** What hostIdentifier says. */
  readonly host: string
  readonly pid: number
  /** Whether names can have a revision, and so must; otherwise `<REV>` is removed. */
  readonly usesRevision: boolean
  /** Added to each name that does not end with it. */
  readonly extension: '' | '.gz' | '.zst'
}

/**
 * The host as it stands in names: its short name, or the text given, in which `<SHORT_HOST>` and `<HOSTNAME>` are replaced.
 *
 * @throws RangeError when another such word is in it
 */
export function hostIdentifier(option: string | undefined, hostname: string): string {
  const [short = ''] = hostname.split('.')
  if (option === undefined || option === '') return short
  const replaced = option.replaceAll('<SHORT_HOST>', short).replaceAll('<HOSTNAME>', hostname)
  refuseWords(replaced, '<SHORT_HOST> <HOSTNAME>')
  return replaced
}

/** A word that is none of ours is a slip, as is a specifier of strftime that is none. */
function refuseWords(text: string, known: string): void {
  const [word] = /<\w+>/.exec(text) ?? []
  if (word !== undefined) throw new RangeError(`"${word}" is not known: use ${known}`)
}

/** The name of a file: its template with this revision, such as `-000001`. */
export function revise(template: string, revision: string): string {
  return template.replaceAll(REVISION, revision)
}

type Piece = string | ((nowMs: number, messageMs: number) => string)

/** As many partitions are remembered: messages of a day come in any order with 24 of an hour. */
const MOST_REMEMBERED = 1000

/** Names the files of a topic. */
export class FileNames {
  /** The same for all runs whose files may have the same names: 16 hexadecimal digits. */
  readonly key: string
  /** Whether the time of a message decides which file it goes to. */
  readonly isPartitioned: boolean
  readonly #pieces: readonly Piece[]
  /** How long a name stays the same at most, in milliseconds. */
  readonly #nowPeriod: number
  readonly #messagePeriod: number
  /** Which period it was last time, of now and of the message. */
  #now = Number.NaN
  #message = Number.NaN
  #current = ''
  /** By period of the message, as long as the period of now is the same. */
  readonly #remembered = new Map<number, string>()

  /**
   * @throws RangeError that says what is wrong with the format: `<REV>` is missing, a word or specifier is none, a name
   *   would be empty or outside of the folder
   */
  constructor(options: FileNameOptions) {
    const { format, datetimeFormat, usesRevision, extension } = options
    if (usesRevision && !format.includes(REVISION)) throw new RangeError(`"${format}" has no ${REVISION}`)
    const datetime = compileStrftime(datetimeFormat, 'local')
    const partitions: ((ms: number) => string)[] = []
    const pieces: Piece[] = []
    let computed = ''
    const say = (text: string): void => {
      pieces.push(text)
      computed += text
    }
    const values: Readonly<Record<string, string>> = {
      '<TOPIC>': options.topic,
      '<HOST>': options.host,
      '<PID>': String(options.pid),
      [REVISION]: usesRevision ? REVISION : '',
    }
    for (const piece of format.split(/(<(?:TOPIC|HOST|PID|DATETIME|REV)>)/)) {
      const value = values[piece]
      if (value !== undefined) {
        say(value)
      } else if (piece === '<DATETIME>') {
        pieces.push(datetime)
        computed += piece
      } else {
        refuseWords(piece, '<TOPIC> <HOST> <PID> <DATETIME> <REV>')
        const partition = compileStrftime(piece, 'utc')
        if (/%[^%]/.test(piece.replaceAll('%%', ''))) {
          pieces.push((_, messageMs) => partition(messageMs))
          partitions.push(partition)
          computed += piece
        } else {
          say(partition(0))
        }
      }
    }
    if (!computed.endsWith(extension)) say(extension)
    this.key = createHash('sha256').update(computed).digest('hex').slice(0, 16)
    this.isPartitioned = partitions.length > 0
    this.#pieces = pieces
    this.#nowPeriod = format.includes('<DATETIME>') ? nowPeriod(datetime) : Infinity
    this.#messagePeriod = Math.min(Infinity, ...partitions.map(messagePeriod))
    this.template(0, 0)
  }

  /**
   * The name of the file for a message, relative to the folder, with `/`; `<REV>` still stands in it where there is one.
   * Made once for each second, or each partition.
   *
   * @param nowMs - the time now, milliseconds since 1970
   * @param messageMs - that of the message
   * @throws RangeError as the constructor, when it is only so at this time
   */
  template(nowMs: number, messageMs: number): string {
    const now = Math.floor(nowMs / this.#nowPeriod)
    const message = this.isPartitioned ? Math.floor(messageMs / this.#messagePeriod) : 0
    if (now === this.#now && message === this.#message) return this.#current
    if (now !== this.#now || this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear()
    this.#now = now
    this.#message = message
    this.#current = this.#remembered.get(message) ?? this.#make(nowMs, messageMs)
    this.#remembered.set(message, this.#current)
    return this.#current
  }

  #make(nowMs: number, messageMs: number): string {
    let name = ''
    for (const piece of this.#pieces) name += typeof piece === 'string' ? piece : piece(nowMs, messageMs)
    return checked(name)
  }
}

/** What leads elsewhere, and where what is written would be hidden between locks and markers: a topic may be called so. */
const NOT_OURS = new Set(['.', '..', STATE_FOLDER])

/** What manifests are called (manifest.ts). */
const MANIFEST = '.manifest.jsonl'
/** Of a file or a folder, in bytes: what file systems take. */
const LONGEST_NAME = 255

/** Without empty folders. It may not lead out of the folder that it is relative to. */
function checked(name: string): string {
  if (name.includes('\0')) throw new RangeError(`${JSON.stringify(name)} is no file name: it has a NUL`)
  const segments = name.split('/')
  if (segments.at(-1) === '') throw new RangeError(`"${name}" names no file`)
  if (name.endsWith(MANIFEST)) throw new RangeError(`"${name}" ends with ${MANIFEST}, as manifests do`)
  const used = segments.filter(segment => segment !== '')
  for (const segment of used) {
    const length = Buffer.byteLength(revise(segment, '-000000'))
    if (length > LONGEST_NAME) {
      throw new RangeError(`"${segment}" has ${length} bytes, and the name of a file at most ${LONGEST_NAME}`)
    }
    if (NOT_OURS.has(segment)) {
      throw new RangeError(`"${name}" may not have a folder or file named "${segment}"`)
    }
  }
  return used.join('/')
}

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

/** Time zones differ by any number of seconds, so only a second is sure; a format may have milliseconds. */
function nowPeriod(datetime: (ms: number) => string): number {
  return datetime(0) === datetime(1) ? SECOND : 1
}

/** How long the text stays the same: at the end of a day, an hour or a minute all that is finer differs from its begin. */
function messagePeriod(partition: (ms: number) => string): number {
  const first = partition(0)
  if (first !== partition(1)) return 1
  return [DAY, HOUR, MINUTE].find(period => partition(period - SECOND) === first) ?? SECOND
}
