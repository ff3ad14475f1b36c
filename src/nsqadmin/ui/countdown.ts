/** Times that come nearer. */
import { duration } from './format.ts'

/** `in 1 min 5 s`; `now` when it has come. Rounded up to seconds, so that `now` is never early. */
export function untilText(until: number, now: number): string {
  const left = Math.ceil((until - now) / 1000)
  return left <= 0 ? 'now' : `in ${duration(left * 1000)}`
}
