/** The ceiling of forward: bytes from a socket, not looked at, in the bodies of HTTP requests, and the FINs when these are answered. */
import type { Socket } from 'node:net'
import { rdy } from '../../src/protocol/command.ts'
import type { BareForwardJob, LoadResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { dial } from './dial.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

const FIN_LENGTH = 21
/** As many as a client with as many in flight would use. */
const MOST_CONNECTIONS = 100

async function forward({
  from,
  to,
  messages,
  frameLength,
  bodyLength,
  ready,
  batch,
}: BareForwardJob): Promise<LoadResult> {
  const length = (bodyLength + 1) * batch
  const head = `POST / HTTP/1.1\r\nHost: 127.0.0.1:${to}\r\nContent-Length: ${length}\r\n\r\n`
  const request = Buffer.concat([Buffer.from(head), Buffer.alloc(length, 'x')])
  const fins = Buffer.alloc(batch * FIN_LENGTH, 'x')
  const watch = new Stopwatch()
  const ended = withResolvers()
  const idle: Socket[] = []
  let received = 0
  let begun = 0
  const answered = (socket: Socket): void => {
    idle.push(socket)
    source.write(fins)
    if (watch.total === 0) watch.begin()
    watch.total += batch
    if (watch.total >= messages) ended.resolve()
    else send()
  }
  const send = (): void => {
    while (received - begun >= batch * frameLength) {
      const socket = idle.pop()
      if (socket === undefined) return
      begun += batch * frameLength
      // The bytes of a body are copied, as any that goes in one piece with a head.
      socket.write(Buffer.from(request))
    }
  }
  for (let i = 0; i < Math.min(MOST_CONNECTIONS, Math.ceil(ready / batch)); i++) {
    const socket = await dial(to, () => answered(socket))
    socket.on('error', ended.reject)
    idle.push(socket)
  }
  const source = await dial(from, (_bytes, length) => {
    received += length
    send()
  })
  source.on('error', ended.reject)
  try {
    source.write(rdy(ready))
    await ended.promise
    watch.end()
  } finally {
    source.destroy()
    for (const socket of idle) socket.destroy()
  }
  return watch.result
}

serveJobs<'bare-forward'>(forward)
