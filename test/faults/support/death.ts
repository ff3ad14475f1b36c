/**
 * Loaded into nsqd before its program (`--import`): kills it just before it changes something below a folder for the
 * n-th time. A kill from outside mostly comes when nothing is done, and hardly ever between a write and the next one.
 *
 * The folder and the number are in its own address: `?path=…&change=…`.
 */
import { type DiskCallKind, watchDisk } from './disk-seam.ts'

const CHANGES: ReadonlySet<DiskCallKind> = new Set([
  'open',
  'write',
  'sync',
  'truncate',
  'rename',
  'remove',
  'mkdir',
])

const given = new URL(import.meta.url).searchParams
const folder = given.get('path') ?? ''
let left = Number(given.get('change'))

await watchDisk({
  before: ({ kind, path }) => {
    if (CHANGES.has(kind) && path.startsWith(folder) && --left === 0) process.kill(process.pid, 'SIGKILL')
    return undefined
  },
})
