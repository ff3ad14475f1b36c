/**
 * The ceiling of what is published and consumed at once: passes the bytes of its publishers to its consumer, who comes
 * first, and answers as many as OKs would be. Looks at nothing, but with `holds` at the time before which a record may
 * not go on: it has a timer of its own.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { OK_FRAME } from '../../src/protocol/frame.ts'
import type { BareRelayJob } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { machineMs } from './clock.ts'
import { Records } from './records.ts'
import { momentOf } from './stamp.ts'

const MOST_OKS = 4096
const OKS = Buffer.alloc(MOST_OKS * OK_FRAME.length, OK_FRAME)

let last: Server | undefined

function listen(job: BareRelayJob): Promise<{ port: number }> {
  last?.close()
  let consumer: Gathering | undefined
  const server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => socket.destroy())
    if (consumer === undefined) {
      consumer = new Gathering(socket)
      // What it finishes.
      socket.resume()
    } else {
      publisher(socket, consumer, job)
    }
  })
  last = server
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ port: typeof address === 'object' && address !== null ? address.port : 0 })
    })
  })
}

function publisher(
  socket: Socket,
  consumer: Gathering,
  { recordLength, bodyLength, holds }: BareRelayJob,
): void {
  const records = new Records(recordLength)
  socket.on('data', (chunk: Buffer) => {
    const whole = records.take(chunk)
    const count = whole.length / recordLength
    for (let left = count; left > 0; left -= MOST_OKS) {
      socket.write(OKS.subarray(0, Math.min(left, MOST_OKS) * OK_FRAME.length))
    }
    if (!holds) {
      if (count > 0) consumer.write(whole)
      return
    }
    for (let at = 0; at < whole.length; at += recordLength) {
      const record = whole.subarray(at, at + recordLength)
      const due = momentOf(record, recordLength - bodyLength)
      // A timer counts from when the turn began, which may be some ms ago.
      const send = (): void => {
        const wait = due - machineMs()
        if (wait <= 0) consumer.write(record)
        else setTimeout(send, Math.ceil(wait))
      }
      send()
    }
  })
}

/** Writes what came in a turn of the event loop at once. */
class Gathering {
  readonly #socket: Socket
  #pieces: Buffer[] = []

  constructor(socket: Socket) {
    this.#socket = socket
  }

  write(bytes: Buffer): void {
    if (this.#pieces.push(bytes) === 1) setImmediate(this.#flush)
  }

  readonly #flush = (): void => {
    const [first] = this.#pieces
    if (first !== undefined)
      this.#socket.write(this.#pieces.length === 1 ? first : Buffer.concat(this.#pieces))
    this.#pieces = []
  }
}

serveJobs<'bare-relay'>(listen)
