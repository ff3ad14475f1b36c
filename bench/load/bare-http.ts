/** An HTTP server that answers 200, and looks at nothing of a request but how long it is. */
import { createServer, type Socket } from 'node:net'
import { serveJobs } from '../serve-jobs.ts'

const ANSWER = Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
const HEAD_END = Buffer.from('\r\n\r\n')

function listen(): Promise<{ port: number }> {
  const server = createServer({ noDelay: true }, socket => {
    socket.on('error', () => socket.destroy())
    answer(socket)
  })
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve({ port: typeof address === 'object' && address !== null ? address.port : 0 })
    })
  })
}

function answer(socket: Socket): void {
  /** The beginning of a request, while that is not whole. */
  let head: Buffer = Buffer.alloc(0)
  /** Bytes of a request that have not come yet. */
  let missing = 0
  socket.on('data', (chunk: Buffer) => {
    let at = 0
    while (at < chunk.length) {
      if (missing === 0) {
        const before = head.length
        head = before === 0 ? chunk.subarray(at) : Buffer.concat([head, chunk.subarray(at)])
        const end = head.indexOf(HEAD_END)
        if (end === -1) return
        at += end + HEAD_END.length - before
        missing = bodyLength(head.toString('latin1', 0, end))
        head = Buffer.alloc(0)
      }
      const now = Math.min(missing, chunk.length - at)
      at += now
      missing -= now
      if (missing === 0) socket.write(ANSWER)
    }
  })
}

function bodyLength(head: string): number {
  return Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
}

serveJobs<'bare-http'>(listen)
