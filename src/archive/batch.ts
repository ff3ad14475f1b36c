import { Chunks } from './chunks.ts'
import type { ArchivedMessage } from './message.ts'
import type { Part } from './part.ts'

/** What one batch has for one part. */
export interface Portion {
  readonly part: Part
  readonly messages: ArchivedMessage[]
  readonly chunks: Chunks
}

/** Messages that become durable together: gathered, cut, committed. */
export class Batch {
  /** In the order in which their parts were opened. */
  readonly portions: Portion[] = []
  messages = 0
  /** Before compression. */
  bytes = 0

  /** Where the messages for this part are gathered; `part.portion` from now on. */
  open(part: Part): Portion {
    const portion: Portion = { part, messages: [], chunks: new Chunks() }
    part.portion = portion
    this.portions.push(portion)
    return portion
  }
}
