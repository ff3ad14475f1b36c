/**
 * Loaded into nsqd before its program (`--import`): kills it just before it changes something below a folder for the
 * n-th time. A kill from outside mostly comes when nothing is done, and hardly ever between a write and the next one.
 *
 * The folder, the kinds of changes and the number are in its own address: `?path=…&kinds=write,rename&change=…`; and, if only
 * some files count, how their names end: `&end=.log`.
 */
import { watchDisk } from './disk-seam.ts'

const given = new URL(import.meta.url).searchParams
const folder = given.get('path') ?? ''
const kinds = new Set<string>(given.get('kinds')?.split(','))
const end = given.get('end') ?? ''
let left = Number(given.get('change'))

await watchDisk({
  before: ({ kind, path }) => {
    if (kinds.has(kind) && path.startsWith(folder) && path.endsWith(end) && --left === 0)
      process.kill(process.pid, 'SIGKILL')
    return undefined
  },
})
