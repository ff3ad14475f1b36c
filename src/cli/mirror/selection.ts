import type { Message } from '../../client/consumer/message.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import { promiseOf } from '../../util/promise.ts'
import type { UserFunction } from '../user-module.ts'
import type { JsonFault, JsonRules } from './json-rules.ts'
import { UserMessage } from './user-message.ts'

/** Why a message is finished without being mirrored. */
export type LeftOut = JsonFault | '--filter' | '--map'

/** What becomes of a message: it is left out, or this is published in its place. */
export type Selected = LeftOut | Buffer | readonly Buffer[]

export interface SelectionOptions {
  readonly rules: JsonRules | undefined
  readonly filter: UserFunction | undefined
  readonly map: UserFunction | undefined
}

/**
 * What becomes of a message on its way, in this order:
 *
 *     --require-json-… ─▶ --filter ─▶ --whitelist-json-field ─▶ --map
 */
export class Selection {
  readonly #rules: JsonRules | undefined
  readonly #filter: UserFunction | undefined
  readonly #map: UserFunction | undefined

  constructor({ rules, filter, map }: SelectionOptions) {
    this.#rules = rules
    this.#filter = filter
    this.#map = map
  }

  /** @throws NsqError `E_USER_CODE` when a function of the user's fails; so does the promise of one that is asynchronous */
  select(message: Message): Selected | Promise<Selected> {
    const { body } = message
    const fault = this.#rules?.faultOf(body)
    if (fault !== undefined) return fault
    if (this.#filter === undefined) return this.#passed(message, body, undefined)
    const shown = new UserMessage(message, body)
    const goOn = (result: unknown): Selected | Promise<Selected> => {
      if (result === true) return this.#passed(message, body, shown)
      if (result === false) return '--filter'
      throw unusable('--filter', result, 'not true or false')
    }
    return called('--filter', this.#filter, shown, goOn)
  }

  #passed(message: Message, whole: Buffer, shown: UserMessage | undefined): Selected | Promise<Selected> {
    const body = this.#rules?.pick(whole) ?? whole
    if (this.#map === undefined) return body
    const argument = shown !== undefined && body === whole ? shown : new UserMessage(message, body)
    return called('--map', this.#map, argument, result => made(result))
  }
}

/** What `--map` has returned, as bodies. */
function made(result: unknown): Selected | Promise<Selected> {
  if (result === undefined) return '--map'
  if (!Array.isArray(result)) return bodyOf(result)
  const items: readonly unknown[] = result
  if (items.length === 0) return '--map'
  // As an asynchronous function in `map()` of arrays makes them.
  if (items.some(item => item instanceof Promise)) {
    return Promise.all(items).then(bodiesOf, (error: unknown) => {
      throw thrown('--map', error)
    })
  }
  return bodiesOf(items)
}

function bodiesOf(items: readonly unknown[]): Buffer[] {
  // Unlike map() this finds what is missing in an array with holes.
  return Array.from(items, bodyOf)
}

function bodyOf(value: unknown): Buffer {
  const body = bytesOf(value)
  if (body.length === 0) throw new NsqError('E_USER_CODE', '--map returned an empty body, which NSQ has not')
  return body
}

function bytesOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  if (value instanceof ArrayBuffer) return Buffer.from(value)
  if (typeof value === 'string') return Buffer.from(value)
  // Numbers and the like are more likely a mistake than a message.
  if (typeof value !== 'object' || value === null) {
    throw unusable('--map', value, 'not a Buffer, a string, an object, an array of these, or undefined')
  }
  if (value instanceof UserMessage) {
    throw new NsqError(
      'E_USER_CODE',
      '--map returned the message itself: return its body, or what json() gives',
    )
  }
  try {
    const text: unknown = JSON.stringify(value)
    // A Map, a promise, a generator, …: their contents would be lost.
    const isLost = text === '{}' && !isPlain(value)
    if (typeof text === 'string' && !isLost) return Buffer.from(text)
  } catch (error) {
    throw new NsqError('E_USER_CODE', `--map returned what has no JSON: ${errorText(error)}`, {
      cause: error,
    })
  }
  throw unusable('--map', value, 'of which JSON has nothing')
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Calls a function of the user's, and goes on with what it returns, at once or later. */
function called<T>(
  flag: string,
  user: UserFunction,
  message: UserMessage,
  goOn: (result: unknown) => T | Promise<T>,
): T | Promise<T> {
  let result: unknown
  let later: Promise<unknown> | undefined
  try {
    result = user(message)
    later = promiseOf(result)
  } catch (error) {
    throw thrown(flag, error)
  }
  if (later === undefined) return goOn(result)
  return later.then(goOn, (error: unknown) => {
    throw thrown(flag, error)
  })
}

function thrown(flag: string, cause: unknown): NsqError {
  return new NsqError('E_USER_CODE', `${flag}: ${errorText(cause)}`, { cause })
}

function unusable(flag: string, value: unknown, what: string): NsqError {
  const isNothing = value === null || value === undefined
  const shown = isNothing ? String(value) : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`
  return new NsqError('E_USER_CODE', `${flag} returned ${shown}, ${what}`)
}
