import type { Facts } from './facts.ts'

/** `skip`: it could not be looked at, as something else is wrong, or nothing is known of it. */
export type Status = 'ok' | 'warn' | 'fail' | 'skip'

/** What a check says of one thing. */
export interface Verdict {
  /** `nsqd 10.0.0.1:4151`, `nsqlookupd 10.0.0.1:4161`, `this machine`, `configuration`, `cluster`. */
  readonly target: string
  readonly status: Status
  readonly message: string
  /** What to do; always there for `warn` and `fail`. */
  readonly remedy?: string
}

export interface Finding extends Verdict {
  /** The id of the check. */
  readonly check: string
}

/** A question, judged from facts alone: nothing is asked any more. */
export interface Check {
  /** One word, stable: scripts go by it. */
  readonly id: string
  /** What is looked at, for people. */
  readonly title: string
  readonly run: (facts: Facts) => readonly Verdict[]
}

export const CONFIGURATION = 'configuration'
export const MACHINE = 'this machine'
export const CLUSTER = 'cluster'

export function ok(target: string, message: string): Verdict {
  return { target, status: 'ok', message }
}

export function skip(target: string, message: string): Verdict {
  return { target, status: 'skip', message }
}

export function warn(target: string, message: string, remedy: string): Verdict {
  return { target, status: 'warn', message, remedy }
}

export function fail(target: string, message: string, remedy: string): Verdict {
  return { target, status: 'fail', message, remedy }
}
