/**
 * The ceiling of many topics: a node:net server that answers each command with an OK, goes round the topics with what was
 * in it, sends that to every consumer of the topic at the end of the turn, and looks at nothing.
 */
import { createServer, type Server, type Socket } from 'node:net'
import { FrameType, OK_FRAME } from '../../src/protocol/frame.ts'
import type { BareTopicsJob } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'

const OKS = Buffer.alloc(4096 * OK_FRAME.length, OK_FRAME)
/** Messages of one write, at most. */
const MOST_FRAMES = 2500

interface BareTopic {
  readonly consumers: Socket[]
  /** Messages that are to be sent at the end of the turn. */
  waiting: number
}

let server: Server | undefined

function listen(job: BareTopicsJob): Promise<{ port: number }> {
  const frame = Buffer.alloc(job.frameLength, 'x')
  frame.writeUInt32BE(job.frameLength - 4, 0)
  frame.writeUInt32BE(FrameType.message, 4)
  const frames = Buffer.alloc(MOST_FRAMES * job.frameLength, frame)
  const byName = new Map<string, BareTopic>()
  const topics: BareTopic[] = []
  let busy: BareTopic[] = []
  let next = 0

  const flush = (): void => {
    const all = busy
    busy = []
    for (const topic of all) {
      for (const socket of topic.consumers) {
        for (let left = topic.waiting; left > 0; left -= MOST_FRAMES) {
          socket.write(frames.subarray(0, Math.min(left, MOST_FRAMES) * job.frameLength))
        }
      }
      topic.waiting = 0
    }
  }
  const published = (): void => {
    const topic = topics[next++ % topics.length]
    if (topic === undefined) return
    if (busy.length === 0) setImmediate(flush)
    if (topic.waiting === 0) busy.push(topic)
    topic.waiting += job.batch
  }
  const serve = (socket: Socket): void => {
    let rest = 0
    socket.on('error', () => socket.destroy())
    // All that each side says before it waits for an answer.
    socket.once('data', (greeting: Buffer) => {
      const name = /SUB (\S+) /.exec(greeting.toString('latin1'))?.[1]
      socket.write(OKS.subarray(0, (name === undefined ? 1 : 2) * OK_FRAME.length))
      if (name !== undefined) {
        let topic = byName.get(name)
        if (topic === undefined) {
          topic = { consumers: [], waiting: 0 }
          byName.set(name, topic)
          topics.push(topic)
        }
        topic.consumers.push(socket)
        socket.on('data', () => {})
        return
      }
      socket.on('data', (chunk: Buffer) => {
        rest += chunk.length
        const count = Math.floor(rest / job.commandLength)
        rest %= job.commandLength
        for (let i = 0; i < count; i++) published()
        if (count > 0) socket.write(OKS.subarray(0, count * OK_FRAME.length))
      })
    })
  }
  server?.close()
  return new Promise((resolve, reject) => {
    server = createServer({ noDelay: true }, serve)
    server.once('error', reject)
    server.listen({ port: 0, host: '127.0.0.1', backlog: 511 }, () => {
      const address = server?.address()
      resolve({ port: typeof address === 'object' && address ? address.port : 0 })
    })
  })
}

serveJobs<'bare-topics'>(listen)
