import { promises } from 'node:fs'
import type { FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import type { TestContext } from 'node:test'

type Open = typeof promises.open

/** Until the test ends: what is called before a file of a segment is opened through node:fs/promises, and after. */
export function replaceOpen(
  t: TestContext,
  before: () => void,
  after: (handle: FileHandle) => void = () => undefined,
): void {
  const { open } = promises
  replace(async (...args) => {
    const [path] = args
    if (!/\.(log|idx|kept)$/.test(String(path))) return open(...args)
    before()
    const handle = await open(...args)
    after(handle)
    return handle
  })
  t.after(() => replace(open))
}

function replace(value: Open): void {
  Object.assign(promises, { open: value })
  syncBuiltinESMExports()
}

/** Counts the bytes that are read from here on through handles of node:fs/promises, until the test ends. */
export function countReads(t: TestContext): { bytes: number } {
  const count = { bytes: 0 }
  const countIn = (handle: FileHandle): void => {
    const read = handle.read.bind(handle)
    const counted = async (...given: [Buffer, number, number, number]): Promise<{ bytesRead: number }> => {
      const result = await read(...given)
      count.bytes += result.bytesRead
      return result
    }
    Object.assign(handle, { read: counted })
  }
  replaceOpen(t, () => undefined, countIn)
  return count
}
