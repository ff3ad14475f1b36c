/** The ceiling of archive: bytes from a socket, counted and not looked at, as many bytes to a file, and then the FINs. */
import { type FileHandle, open } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { rdy } from '../../src/protocol/command.ts'
import type { BareArchiveJob, LoadResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { createBodies } from './bodies.ts'
import { dial } from './dial.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

const FIN_LENGTH = 21
const MEMBER_BYTES = 128 * 1024
const KINDS = 1000

const compress = promisify(gzip)

async function archive(job: BareArchiveJob): Promise<LoadResult> {
  const { bodyLength, frameLength, ready, messages } = job
  const batch = Math.max(1, ready >> 1)
  const lines = Buffer.concat(createBodies(KINDS, bodyLength - 1).flatMap(body => [body, Buffer.from('\n')]))
  const fins = Buffer.alloc(batch * FIN_LENGTH, 'x')
  const file = await open(job.path, 'w')
  const watch = new Stopwatch()
  const ended = withResolvers()
  let received = 0
  let begun = 0
  let last = Promise.resolve()
  const commit = async (count: number, before: Promise<void>): Promise<void> => {
    const bytes = piece(lines, count * bodyLength)
    const members = job.gzip ? await Promise.all(inMembers(bytes).map(member => compress(member))) : bytes
    await before
    await write(file, members)
    await file.datasync()
    socket.write(fins.subarray(0, count * FIN_LENGTH))
    if (watch.total === 0) watch.begin()
    watch.total += count
    if (watch.total === messages) ended.resolve()
  }
  const socket = await dial(job.port, (_bytes, length) => {
    received += length
    for (;;) {
      const whole = Math.floor(received / frameLength) - begun
      const count = Math.min(batch, messages - begun)
      if (count === 0 || whole < count) break
      begun += count
      last = commit(count, last)
      last.catch(ended.reject)
    }
  })
  socket.on('error', ended.reject)
  try {
    socket.write(rdy(ready))
    await ended.promise
    watch.end()
  } finally {
    socket.destroy()
    await file.close()
  }
  return watch.result
}

/** So many bytes of the lines, again and again. */
function piece(lines: Buffer, length: number): Buffer[] {
  const pieces: Buffer[] = []
  for (let left = length; left > 0; left -= lines.length) pieces.push(lines.subarray(0, left))
  return pieces
}

function inMembers(pieces: readonly Buffer[]): Buffer[] {
  const members: Buffer[] = []
  for (const bytes of pieces) {
    for (let at = 0; at < bytes.length; at += MEMBER_BYTES)
      members.push(bytes.subarray(at, at + MEMBER_BYTES))
  }
  return members
}

async function write(file: FileHandle, buffers: readonly Buffer[]): Promise<void> {
  const total = buffers.reduce((sum, { length }) => sum + length, 0)
  const { bytesWritten } = await file.writev([...buffers])
  if (bytesWritten !== total) throw new Error(`${bytesWritten} of ${total} bytes were written`)
}

serveJobs<'bare-archive'>(archive)
