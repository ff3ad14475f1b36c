/** The ceiling of mirror: bytes from one socket to another, not looked at, and the FINs when these are answered. */
import { OK_FRAME } from '../../src/protocol/frame.ts'
import { rdy } from '../../src/protocol/command.ts'
import type { BareMirrorJob, LoadResult } from '../work.ts'
import { serveJobs } from '../serve-jobs.ts'
import { dial } from './dial.ts'
import { withResolvers } from './resolvers.ts'
import { Stopwatch } from './stopwatch.ts'

const FIN_LENGTH = 21

async function mirror({ from, to, messages, ready, batch }: BareMirrorJob): Promise<LoadResult> {
  const fins = Buffer.alloc(batch * FIN_LENGTH, 'x')
  const watch = new Stopwatch()
  const ended = withResolvers()
  let answered = 0
  let finished = 0
  const sink = await dial(to, (_bytes, length) => {
    answered += length
    const due = Math.floor(answered / OK_FRAME.length) * batch
    if (watch.total === 0) watch.begin()
    for (; finished < due; finished += batch) source.write(fins)
    watch.total = finished
    if (finished >= messages) ended.resolve()
  })
  const source = await dial(from, (bytes, length) => {
    // A copy: the bytes are where the next ones will be.
    sink.write(Buffer.from(bytes.subarray(0, length)))
  })
  for (const socket of [sink, source]) socket.on('error', ended.reject)
  try {
    source.write(rdy(ready))
    await ended.promise
    watch.end()
  } finally {
    source.destroy()
    sink.destroy()
  }
  return watch.result
}

serveJobs<'bare-mirror'>(mirror)
