import { fin } from '../../protocol/command.ts'
import { ID_LENGTH } from '../../protocol/message-id.ts'
import { readWord, writeWord } from '../../protocol/words.ts'

const TEMPLATE = fin('0'.repeat(ID_LENGTH))
const ID_AT = TEMPLATE.indexOf('0')
const SLAB_BYTES = 16 * 1024

/**
 * Gathers the FINs of a turn in one buffer, without a Buffer or a string for each: this is what a consumer does for
 * every message.
 */
export class FinBuffer {
  // Handed out up to `#from`, and never written there again: a socket may still hold it. FINs lie from `#from` to `#at`.
  #slab = Buffer.alloc(0)
  #from = 0
  #at = 0

  /** Adds the FIN of the message whose id is at `idAt`. Returns false when there is no room before `take`. */
  add(bytes: Buffer, idAt: number): boolean {
    if (this.#at + TEMPLATE.length > this.#slab.length) {
      if (this.#at > this.#from) return false
      this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES)
      this.#from = 0
      this.#at = 0
    }
    const slab = this.#slab
    const at = this.#at
    writeWord(slab, at, FIN_WORD)
    for (let i = 0; i < ID_LENGTH; i += 4) writeWord(slab, at + ID_AT + i, readWord(bytes, idAt + i))
    slab[at + TEMPLATE.length - 1] = LINE_END
    this.#at = at + TEMPLATE.length
    return true
  }

  /** Takes what was added, or undefined when that is nothing. */
  take(): Buffer | undefined {
    if (this.#at === this.#from) return undefined
    const taken = this.#slab.subarray(this.#from, this.#at)
    this.#from = this.#at
    return taken
  }
}

const FIN_WORD = readWord(TEMPLATE, 0)
const LINE_END = 0x0a
