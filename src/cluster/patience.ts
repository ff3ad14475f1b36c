import { NsqError } from '../util/errors.ts'
import type { Cluster } from './cluster.ts'

/**
 * How long a daemon is waited for that has just let a request time out: else one that hangs would hold up the numbers of all
 * the others, look after look. Now and then it is given all of its time, in case it is only slow.
 */
const SHORT_MS = 1000
const PATIENT_LOOKS = 10

const TIMEOUT = 'E_HTTP_TIMEOUT'

/** For who looks at a cluster again and again: how long the next look may wait for a daemon, by how the last ones went. */
export class Patience {
  #looks = 0
  #hangs = false

  /** The cluster for the next look. */
  next(cluster: Cluster): Cluster {
    return this.#looks++ % PATIENT_LOOKS === 0 ? cluster : this.between(cluster)
  }

  /** The cluster for a question between two looks. */
  between(cluster: Cluster): Cluster {
    return this.#hangs ? cluster.impatient(SHORT_MS) : cluster
  }

  /** How the look went: its warnings, or what it failed with. */
  learn(problems: readonly unknown[]): void {
    this.#hangs = problems.some(isTimeout)
  }
}

/** Of those that did not answer one is the cause. */
function isTimeout(error: unknown): boolean {
  const cause = error instanceof NsqError && error.code !== TIMEOUT ? error.cause : error
  return cause instanceof NsqError && cause.code === TIMEOUT
}
