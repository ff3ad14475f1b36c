import assert from 'node:assert/strict'
import { Producer, type ProducerOptions } from '../../../src/index.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { QUICK, Rig } from '../rig.ts'

/** Fake nsqds, and producers for them. */
export class Producing extends Rig {
  producer<T>(options: ProducerOptions<T>): Producer<T> {
    return this.closing(new Producer({ ...QUICK, onError: this.onError, ...options }))
  }
}

/** The error a promise rejects with, which must be an NsqError. */
export async function failure(promise: Promise<unknown>): Promise<NsqError> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  assert.ok(error instanceof NsqError, `rejected with ${String(error)}`)
  return error
}
