/** A refusal with a status: its message is NSQ's code for it, `TOPIC_NOT_FOUND`, and is sent as `{"message": …}`. */
export class HttpError extends Error {
  override readonly name = 'HttpError'
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
