import { closeSync, fdatasyncSync, fsyncSync, openSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import { formatLines, INDEX_LINE } from './index-lines.ts'
import { syncFolderNow } from './folder.ts'
import { type SegmentFile, UNFINISHED } from './segment-file.ts'
import type { Survey } from './survey.ts'

const ZEROS: Buffer = Buffer.alloc(64 * 1024)

/**
 * Makes a segment's files say what was found in them: damaged bytes are kept aside and blanked with zeros, so that nobody
 * takes them for messages; the index gets a line for each piece, so that the next start finds nothing wrong; and what lies
 * behind the last sound message is kept aside and cut. A crash in the middle leaves it to the next start to go on; and
 * nothing is given up before it is safe.
 */
export function mend(file: SegmentFile, { soundIndex, pieces, size, wrongLines }: Survey): void {
  const damaged = pieces.filter(({ state }) => state === 'damaged')
  for (const { offset, length } of damaged) file.keepAside(offset, length)
  if (damaged.length > 0) {
    syncFolderNow(dirname(file.logPath))
    blank(file.logPath, damaged)
  }
  file.cut(size)
  // Last: until then the next start finds all of it again.
  if (damaged.length > 0 || wrongLines > 0) {
    const sound = file.readIndexNow().subarray(0, soundIndex)
    file.close()
    replace(file.indexPath, Buffer.concat([sound, formatLines(pieces)]))
  }
  file.cutIndex(soundIndex + pieces.length * INDEX_LINE)
}

function blank(path: string, stretches: readonly { offset: number; length: number }[]): void {
  const fd = openSync(path, 'r+')
  try {
    for (const { offset, length } of stretches) {
      for (let done = 0; done < length;) {
        done += writeSync(fd, ZEROS, 0, Math.min(ZEROS.length, length - done), offset + done)
      }
    }
    fdatasyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function replace(path: string, bytes: Buffer): void {
  const temporary = path + UNFINISHED
  const fd = openSync(temporary, 'w')
  try {
    writeFileSync(fd, bytes)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  renameSync(temporary, path)
  syncFolderNow(dirname(path))
}
