/** Server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html). */
import type { ServerResponse } from 'node:http'
import type { Reply } from './reply.ts'

/** Takes the events of one stream. */
export interface EventSink {
  /**
   * Sends an event, its data as JSON. False when it was not sent, as more than 1 MiB waits for this reader (send a whole
   * state later), or as the stream is closed.
   */
  send(event: string, data: unknown): boolean
  /** The same of JSON, which many readers may get. */
  sendJson(event: string, json: string): boolean
  /** Whether the reader has gone, or the server closes. */
  readonly closed: boolean
}

const MAX_WAITING = 1024 * 1024
/** Nothing else tells a reader whose network has gone from one to whom nothing is to be said. */
const BEAT_MS = 5_000
/** Somebody who has taken nothing of what waits for so long is not there any more. */
const STUCK_MS = 60_000

/**
 * A reply that goes on: `start` is called when its head has been sent, and returns what is to be called when the stream is
 * closed, by the reader or with the server. Every `beatMs` an event `beat` comes, so that a reader knows that it is still
 * connected, and proxies see that the connection is in use; a reader that has taken nothing of what waits for `stuckMs` is
 * cut off.
 */
export function eventStream(
  start: (sink: EventSink) => () => void,
  { beatMs = BEAT_MS, stuckMs = STUCK_MS }: { beatMs?: number; stuckMs?: number } = {},
): Reply {
  return {
    status: 200,
    contentType: 'text/event-stream',
    // The second is for nginx, which would wait for more.
    headers: { 'Cache-Control': 'no-store', 'X-Accel-Buffering': 'no' },
    body: '',
    stream: response => {
      const sink = new ResponseSink(response, beatMs, stuckMs)
      const stop = start(sink)
      if (sink.closed) stop()
      else sink.onClose = stop
    },
  }
}

class ResponseSink implements EventSink {
  onClose: () => void = () => {}
  #hasEnded = false
  readonly #response: ServerResponse
  readonly #timer: NodeJS.Timeout
  #lastTaken = performance.now()

  constructor(response: ServerResponse, beatMs: number, stuckMs: number) {
    this.#response = response
    this.#timer = setInterval(() => this.#beat(stuckMs), beatMs)
    response.on('error', () => {})
    // 'finish' comes when the server has ended it, 'close' when the connection has; either may be the only one for long.
    for (const end of ['finish', 'close']) response.on(end, () => this.#end())
    // Browsers wait for three seconds otherwise.
    this.#write('retry: 1000\n\n')
  }

  get closed(): boolean {
    return this.#hasEnded || this.#response.writableEnded
  }

  send(event: string, data: unknown): boolean {
    return this.#hasRoom && this.sendJson(event, JSON.stringify(data))
  }

  sendJson(event: string, json: string): boolean {
    if (!this.#hasRoom) return false
    // JSON has no line breaks of its own, which would end the data.
    this.#write(`event: ${event}\ndata: ${json}\n\n`)
    return true
  }

  get #hasRoom(): boolean {
    return !this.closed && this.#response.writableLength <= MAX_WAITING
  }

  #write(text: string): void {
    this.#response.write(text, () => {
      this.#lastTaken = performance.now()
    })
  }

  #beat(stuckMs: number): void {
    if (this.closed) return
    if (this.#response.writableLength === 0) this.#write('event: beat\ndata: null\n\n')
    else if (performance.now() - this.#lastTaken > stuckMs) this.#response.destroy()
  }

  #end(): void {
    if (this.#hasEnded) return
    this.#hasEnded = true
    clearInterval(this.#timer)
    this.onClose()
  }
}
