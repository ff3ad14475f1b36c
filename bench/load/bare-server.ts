/** The ceiling: a node:net server that moves the bytes an nsqd would, and looks at none of them. */
import { createServer, type Server, type Socket } from 'node:net'
import { OK_FRAME } from '../../src/protocol/frame.ts'
import type { BareServerJob } from '../work.ts'
import { serveJobs } from '../worker.ts'

const FIN_LENGTH = 21
const MOST_OKS = 4096

let server: Server | undefined

function listen(job: BareServerJob): Promise<{ port: number }> {
  server?.close()
  const next = createServer({ noDelay: true }, socket => {
    socket.on('error', () => socket.destroy())
    if (job.kind === 'sink') sink(socket, job.commandLength)
    else source(socket, job.frameLength, job.ready, job.messages)
  })
  server = next
  return new Promise((resolve, reject) => {
    next.once('error', reject)
    next.listen(0, '127.0.0.1', () => {
      const address = next.address()
      resolve({ port: typeof address === 'object' && address !== null ? address.port : 0 })
    })
  })
}

function sink(socket: Socket, commandLength: number): void {
  const oks = Buffer.alloc(MOST_OKS * OK_FRAME.length, OK_FRAME)
  let rest = 0
  socket.on('data', (chunk: Buffer) => {
    rest += chunk.length
    const count = Math.floor(rest / commandLength)
    rest %= commandLength
    if (count > 0) socket.write(oks.subarray(0, count * OK_FRAME.length))
  })
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
