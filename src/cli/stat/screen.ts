import { emitKeypressEvents } from 'node:readline'
import type { Readable } from 'node:stream'
import type { Output } from '../output.ts'
import type { Size } from './frame.ts'
import type { Key } from './view.ts'

const CSI = '\x1b['
/** The other screen, so that what was on this one comes back; no cursor, and no wrapping of lines. */
const ENTER = `${CSI}?1049h${CSI}?25l${CSI}?7l`
const LEAVE = `${CSI}?7h${CSI}?25h${CSI}?1049l`
/** What is between these is shown at once, by terminals that know them. */
const BEGIN = `${CSI}?2026h`
const END = `${CSI}?2026l`
const CLEAR = `${CSI}2J`

export interface ScreenEvents {
  readonly key: (key: Key) => void
  readonly resized: () => void
}

/** The whole of a terminal, drawn anew line by line. However the process ends, the terminal is as it was. */
export class Screen {
  readonly #output: Output
  readonly #input: Readable & { readonly isTTY?: boolean }
  readonly #events: ScreenEvents
  /** What is shown; undefined when that is not known. */
  #shown: readonly string[] | undefined
  /** What is to be shown once the terminal has taken what it was given. */
  #next: readonly string[] | undefined
  #isWriting = false

  constructor(output: Output, input: Readable & { readonly isTTY?: boolean }, events: ScreenEvents) {
    this.#output = output
    this.#input = input
    this.#events = events
  }

  get size(): Size {
    return { columns: this.#output.columns ?? 80, rows: this.#output.rows ?? 24 }
  }

  enter(): void {
    // What ends the process in the middle of it all, such as a second signal, comes by here.
    process.on('exit', this.#restore)
    void this.#output.write(ENTER)
    this.#output.stream.on('resize', this.#resized)
    if (this.#input.isTTY !== true) return
    emitKeypressEvents(this.#input)
    this.#input.on('keypress', this.#pressed)
    setRawMode(this.#input, true)
    this.#input.resume()
  }

  leave(): void {
    process.off('exit', this.#restore)
    this.#restore()
    this.#output.stream.off('resize', this.#resized)
    this.#input.off('keypress', this.#pressed)
    if (this.#input.isTTY === true) this.#input.pause()
  }

  /** Shows these lines, and nothing else. */
  draw(lines: readonly string[]): void {
    this.#next = lines
    if (!this.#isWriting) void this.#write()
  }

  /** A terminal that is slower than we are misses some. */
  async #write(): Promise<void> {
    this.#isWriting = true
    while (this.#next !== undefined) {
      const lines = this.#next
      const changes = difference(this.#shown, lines)
      this.#next = undefined
      this.#shown = lines
      if (changes !== '') await this.#output.write(BEGIN + changes + END)
    }
    this.#isWriting = false
  }

  readonly #restore = (): void => {
    setRawMode(this.#input, false)
    void this.#output.write(LEAVE)
  }

  readonly #resized = (): void => {
    this.#shown = undefined
    this.#events.resized()
  }

  readonly #pressed = (_text: string | undefined, key: Key): void => this.#events.key(key)
}

/** What turns lines on the screen into others. */
function difference(before: readonly string[] | undefined, after: readonly string[]): string {
  const changes = before === undefined ? [CLEAR] : []
  for (const [index, line] of after.entries()) {
    // Erased first: behind a line that is as wide as the screen its last character would go.
    if (line !== before?.[index]) changes.push(`${CSI}${index + 1};1H${CSI}K${line}`)
  }
  if (before !== undefined && before.length > after.length)
    changes.push(`${CSI}${after.length + 1};1H${CSI}J`)
  return changes.join('')
}

function setRawMode(input: Readable, isRaw: boolean): void {
  // Only terminals have it.
  if ('setRawMode' in input && typeof input.setRawMode === 'function') input.setRawMode(isRaw)
}
