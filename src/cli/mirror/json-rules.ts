/** `--require-json-field`, `--require-json-value` and `--whitelist-json-field`. */
import { pickFields } from './json-fields.ts'

/** Why a message is finished without being mirrored. */
export type JsonFault = 'not JSON' | 'not a JSON object' | 'without the field' | 'another value'

export interface JsonRulesOptions {
  /** The field that there must be. */
  readonly field: string | undefined
  /** What it must be. */
  readonly value: string | undefined
  /** The only fields to keep; none: all. */
  readonly kept: readonly string[]
}

/** Looks at the bodies of messages as nsq_to_nsq does. */
export class JsonRules {
  readonly #field: string | undefined
  readonly #value: string | undefined
  /** The value as a number; NaN when it is none, which equals nothing. */
  readonly #number: number
  readonly #kept: ReadonlySet<string>

  constructor({ field, value, kept }: JsonRulesOptions) {
    this.#field = field
    this.#value = value
    this.#number = value === undefined || value.trim() === '' ? Number.NaN : Number(value)
    this.#kept = new Set(kept)
  }

  /** What is wrong with a body; undefined when it is to be mirrored. */
  faultOf(body: Buffer): JsonFault | undefined {
    let json: unknown
    try {
      json = JSON.parse(body.toString())
    } catch {
      return 'not JSON'
    }
    const isObject = typeof json === 'object' && json !== null && !Array.isArray(json)
    if (!isObject) return 'not a JSON object'
    if (this.#field === undefined) return undefined
    const found = Object.getOwnPropertyDescriptor(json, this.#field)
    if (found === undefined) return 'without the field'
    return this.#value === undefined || this.#isWanted(found.value) ? undefined : 'another value'
  }

  /** Of a body without a fault, what is to be published. */
  pick(body: Buffer): Buffer {
    return this.#kept.size === 0 ? body : pickFields(body, this.#kept)
  }

  #isWanted(found: unknown): boolean {
    if (typeof found === 'string') return found === this.#value
    if (typeof found === 'number') return found === this.#number
    return (typeof found === 'boolean' || found === null) && String(found) === this.#value
  }
}
