import { NsqError } from '../util/errors.ts'

/** What is not taken in for the time being, and why; a client may well have better luck with another nsqd. */
export class Refusal extends NsqError {
  /** The status of the HTTP answer, and its message. */
  readonly status: number
  readonly answer: string

  /** @param reason - for V2, where it stands behind E_PUB_FAILED or E_SUB_FAILED */
  constructor(code: string, reason: string, status: number, answer: string) {
    super(code, reason)
    this.status = status
    this.answer = answer
  }
}
