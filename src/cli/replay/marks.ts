import { Queue } from '../../util/queue.ts'

/** So many files, and so many messages of the next one. */
export interface Position {
  readonly file: number
  readonly message: number
}

interface Stretch {
  end: Position
  isDone: boolean
}

/** Up to where everything is published, or needs not be: acknowledgements may come in any order. */
export class Marks {
  readonly #stretches = new Queue<Stretch>()
  #reached: Position
  #last: Stretch | undefined

  constructor(start: Position) {
    this.#reached = start
  }

  /** From here on a replay would go on. */
  get reached(): Position {
    return this.#reached
  }

  /** What comes next and ends there was given to be published. Returns what to call when it is acknowledged. */
  begin(end: Position): () => void {
    const stretch = { end, isDone: false }
    this.#push(stretch)
    return () => {
      stretch.isDone = true
      this.#advance()
    }
  }

  /** What comes next and ends there needs not be published. */
  pass(end: Position): void {
    if (this.#last?.isDone === true) this.#last.end = end
    else this.#push({ end, isDone: true })
    this.#advance()
  }

  #push(stretch: Stretch): void {
    this.#stretches.push(stretch)
    this.#last = stretch
  }

  #advance(): void {
    for (;;) {
      const first = this.#stretches.peek()
      if (first === undefined || !first.isDone) return
      this.#reached = first.end
      this.#stretches.shift()
      if (this.#last === first) this.#last = undefined
    }
  }
}
