/** Reads what lies in an archive, without the code that wrote it. */
import { readdirSync } from 'node:fs'
import { join, relative } from 'node:path'
import { type Compressed, contents } from './system-tools.ts'

export type Framed = 'lines' | 'escaped' | 'jsonl' | 'length'

const LF = 10

/** The files below a folder by their final names, sorted; not those of archive itself. Empty when there is no folder. */
export function finalFiles(folder: string): string[] {
  return allFiles(folder).filter(name => !name.split('/').some(part => part.startsWith('.')))
}

/** Whatever lies below a folder that is no file under a final name, but for the locks of runs. */
export function litter(folder: string): string[] {
  return allFiles(folder).filter(
    name => name.split('/').some(part => part.startsWith('.')) && !name.endsWith('.lock'),
  )
}

function allFiles(folder: string): string[] {
  const files: string[] = []
  const walk = (path: string): void => {
    for (const entry of entriesOf(path)) {
      const child = join(path, entry.name)
      if (entry.isDirectory()) walk(child)
      else files.push(relative(folder, child))
    }
  }
  walk(folder)
  return files.toSorted()
}

function entriesOf(path: string) {
  try {
    return readdirSync(path, { withFileTypes: true })
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** The bodies in these files. */
export async function* bodiesIn(
  paths: readonly string[],
  framing: Framed,
  compression: Compressed,
): AsyncGenerator<Buffer, void, undefined> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of contents(paths, compression)) {
    const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let at = 0
    for (;;) {
      const end = framing === 'length' ? endOfSized(bytes, at) : bytes.indexOf(LF, at)
      if (end === -1) break
      yield framing === 'length' ? bytes.subarray(at + 4, end) : bodyOfLine(bytes.subarray(at, end), framing)
      at = framing === 'length' ? end : end + 1
    }
    rest = bytes.subarray(at)
  }
  if (rest.length > 0) throw new Error(`the last record is torn: ${rest.length} bytes`)
}

function endOfSized(bytes: Buffer, at: number): number {
  if (bytes.length - at < 4) return -1
  const end = at + 4 + bytes.readUInt32BE(at)
  return end <= bytes.length ? end : -1
}

function bodyOfLine(line: Buffer, framing: Framed): Buffer {
  if (framing === 'lines') return line
  if (framing === 'escaped') return Buffer.from(unescape(line.toString('utf8')))
  const record: { body?: string; body_base64?: string } = JSON.parse(line.toString('utf8'))
  return record.body === undefined
    ? Buffer.from(record.body_base64 ?? '', 'base64')
    : Buffer.from(record.body)
}

function unescape(text: string): string {
  return text.replace(/\\(.)/g, (_, letter: string) =>
    letter === 'n' ? '\n' : letter === 'r' ? '\r' : letter,
  )
}
