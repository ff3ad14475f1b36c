/** The ceiling: a node:net server that moves the bytes an nsqd would, and looks at none of them. */
import { closeSync, fdatasync, openSync, unlinkSync, writeSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { OK_FRAME } from '../../src/protocol/frame.ts'
import type { BareServerJob } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'

const FIN_LENGTH = 21
const MOST_OKS = 4096
const OKS = Buffer.alloc(MOST_OKS * OK_FRAME.length, OK_FRAME)

/** Where a sink puts what it gets; calls `done` when it is there. */
type Store = (chunk: Buffer, done: () => void) => void

let endLast: (() => void) | undefined

function listen(job: BareServerJob): Promise<{ port: number }> {
  endLast?.()
  const store = job.kind === 'sink' && job.path !== '' ? new FileStore(job.path, job.sync) : undefined
  const put: Store = store === undefined ? (_, done) => done() : (chunk, done) => store.put(chunk, done)
  const server: Server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => socket.destroy())
    if (job.kind === 'sink') sink(socket, job.commandLength, put)
    else source(socket, job.frameLength, job.ready, job.messages)
  })
  endLast = () => {
    server.close()
    store?.close()
  }
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ port: typeof address === 'object' && address !== null ? address.port : 0 })
    })
  })
}

function sink(socket: Socket, commandLength: number, put: Store): void {
  let rest = 0
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.length
    const count = Math.floor(rest / commandLength)
    rest %= commandLength
    put(chunk, () => {
      if (count > 0) socket.write(OKS.subarray(0, count * OK_FRAME.length))
    })
  })
}

/** A file that chunks are appended to, and synced before they count when `sync` is set: all that came, at once. */
class FileStore {
  readonly #path: string
  readonly #file: number
  readonly #sync: boolean
  #waiting: (() => void)[] = []
  #syncing = false
  #closing = false

  constructor(path: string, sync: boolean) {
    this.#path = path
    this.#file = openSync(path, 'w')
    this.#sync = sync
  }

  put(chunk: Buffer, done: () => void): void {
    writeSync(this.#file, chunk)
    if (!this.#sync) {
      done()
      return
    }
    this.#waiting.push(done)
    if (!this.#syncing) this.#syncAll()
  }

  close(): void {
    unlinkSync(this.#path)
    this.#closing = true
    if (!this.#syncing) closeSync(this.#file)
  }

  #syncAll(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#syncing = true
    fdatasync(this.#file, () => {
      this.#syncing = false
      if (this.#closing) {
        closeSync(this.#file)
        return
      }
      for (const done of waiting) done()
      if (this.#waiting.length > 0) this.#syncAll()
    })
  }
}

function source(socket: Socket, frameLength: number, ready: number, messages: number): void {
  const frames = Buffer.alloc(ready * frameLength, 'x')
  let unsent = messages
  let rest = 0
  const send = (count: number): void => {
    const now = Math.min(count, unsent)
    unsent -= now
    if (now > 0) socket.write(frames.subarray(0, now * frameLength))
  }
  // The RDY starts it.
  socket.once('data', () => {
    send(ready)
    socket.on('data', (chunk: Buffer) => {
      rest += chunk.length
      send(Math.floor(rest / FIN_LENGTH))
      rest %= FIN_LENGTH
    })
  })
}

serveJobs<'bare-server'>(listen)
