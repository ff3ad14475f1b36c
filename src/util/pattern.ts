import { parsePattern, type PatternNode } from './pattern-syntax.ts'

/**
 * A step of the machine that an expression becomes: either one character is taken, or it goes on at once to `next` and
 * `other`, where `holds` says so.
 */
interface State {
  readonly matches?: (code: number) => boolean
  readonly holds?: (codes: readonly number[], at: number) => boolean
  next: number
  other: number
}

const NONE = -1
/** More than any sensible expression; `((a{1000}){1000}){1000}` would fill the memory. */
const MAX_STATES = 10_000

/**
 * A regular expression that somebody else wrote, in the syntax of Go's regexp package (RE2): what NSQ's authorization
 * servers send. All its possibilities are followed side by side, so that no expression and no text takes longer than their
 * lengths multiplied. JavaScript's own expressions try one possibility after the other, and `(a+)+$` then takes for ever.
 */
export class Pattern {
  readonly #states: State[] = []
  readonly #start: number

  /** @throws RangeError that says what is wrong with the expression. */
  constructor(source: string) {
    const end = this.#add({ next: NONE, other: NONE })
    this.#start = this.#compile(parsePattern(source), end)
  }

  /** Whether the expression matches anywhere in the text. */
  test(text: string): boolean {
    const codes = Array.from(text, character => character.codePointAt(0) ?? 0)
    let current = new Set<number>()
    for (let at = 0; ; at++) {
      if (this.#enter(this.#start, codes, at, current)) return true
      const code = codes[at]
      if (code === undefined) return false
      const following = new Set<number>()
      for (const index of current) {
        const state = this.#states[index]
        if (state?.matches?.(code) && this.#enter(state.next, codes, at + 1, following)) return true
      }
      current = following
    }
  }

  /** Adds a state and those that it goes on to at once; true when one of them is the end. */
  #enter(first: number, codes: readonly number[], at: number, into: Set<number>): boolean {
    const waiting = [first]
    for (let index = waiting.pop(); index !== undefined; index = waiting.pop()) {
      // State 0 is the end.
      if (index === 0) return true
      const state = this.#states[index]
      if (state === undefined || into.has(index)) continue
      into.add(index)
      if (state.matches !== undefined || state.holds?.(codes, at) === false) continue
      if (state.other !== NONE) waiting.push(state.other)
      waiting.push(state.next)
    }
    return false
  }

  /** Makes the states for a node that go on to `next`; returns the first. */
  #compile(node: PatternNode, next: number): number {
    switch (node.kind) {
      case 'one':
        return this.#add({ matches: node.matches, next, other: NONE })
      case 'assertion':
        return this.#add({ holds: node.holds, next, other: NONE })
      case 'sequence':
        return node.items.reduceRight((after, item) => this.#compile(item, after), next)
      case 'either':
        return node.items
          .map(item => this.#compile(item, next))
          .reduceRight((other, first) => this.#add({ next: first, other }))
      default:
        return this.#repeat(node, next)
    }
  }

  #repeat({ item, min, max }: Extract<PatternNode, { kind: 'repeat' }>, next: number): number {
    let first = next
    if (max === Infinity) {
      const loop: State = { next: NONE, other: next }
      first = this.#add(loop)
      loop.next = this.#compile(item, first)
    } else {
      for (let i = min; i < max; i++) first = this.#add({ next: this.#compile(item, first), other: next })
    }
    for (let i = 0; i < min; i++) first = this.#compile(item, first)
    return first
  }

  #add(state: State): number {
    if (this.#states.length >= MAX_STATES) throw new RangeError('it is too large')
    this.#states.push(state)
    return this.#states.length - 1
  }
}
