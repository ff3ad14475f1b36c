/** The ceilings of pub and tail: the bytes of a file to a socket, and those of a socket to a file; none is looked at. */
import { closeSync, createReadStream, openSync, writeSync } from 'node:fs'
import { rdy } from '../../src/protocol/command.ts'
import { OK_FRAME } from '../../src/protocol/frame.ts'
import type { BareToolJob, LoadResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { dial } from './dial.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

const FIN_LENGTH = 21

function run(job: BareToolJob): Promise<LoadResult> {
  return job.kind === 'pub' ? publish(job) : tail(job)
}

/** Ends when every command is answered. */
async function publish(job: Extract<BareToolJob, { kind: 'pub' }>): Promise<LoadResult> {
  const watch = new Stopwatch()
  const ended = withResolvers()
  let sent = 0
  let answered = 0
  let isAllSent = false
  const check = (): void => {
    const commands = Math.floor(sent / job.commandLength)
    if (isAllSent && Math.floor(answered / OK_FRAME.length) === commands) ended.resolve()
  }
  const socket = await dial(job.port, (_bytes, length) => {
    answered += length
    check()
  })
  socket.on('error', ended.reject)
  const file = createReadStream(job.path)
  file.on('error', ended.reject)
  file.once('data', () => watch.begin())
  file.on('data', (chunk: Buffer | string) => {
    sent += chunk.length
    if (!socket.write(chunk)) file.pause()
  })
  socket.on('drain', () => file.resume())
  file.once('end', () => {
    isAllSent = true
    check()
  })
  try {
    await ended.promise
    watch.total = sent / job.lineLength
    watch.end()
  } finally {
    socket.destroy()
    file.destroy()
  }
  return watch.result
}

async function tail(job: Extract<BareToolJob, { kind: 'tail' }>): Promise<LoadResult> {
  const { frameLength, lineLength, ready, messages } = job
  const fins = Buffer.alloc(ready * FIN_LENGTH, 'x')
  const file = openSync(job.path, 'w')
  const watch = new Stopwatch()
  const ended = withResolvers()
  let rest = 0
  const socket = await dial(job.port, (bytes, length) => {
    if (watch.total === 0) watch.begin()
    const count = Math.floor((rest + length) / frameLength)
    rest = (rest + length) % frameLength
    if (count === 0) return
    // Its bytes are not what the lines would be, but as many.
    writeSync(file, bytes, 0, Math.min(count * lineLength, bytes.length))
    socket.write(fins.subarray(0, count * FIN_LENGTH))
    watch.total += count
    if (watch.total === messages) ended.resolve()
  })
  socket.on('error', ended.reject)
  try {
    socket.write(rdy(ready))
    await ended.promise
    watch.end()
  } finally {
    socket.destroy()
    closeSync(file)
  }
  return watch.result
}

serveJobs<'bare-tool'>(run)
