import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { crc32 } from 'node:zlib'
import { loadMetadata } from '../../../src/nsqd/metadata.ts'
import { decodeCheckpoint, encodeCheckpoint } from '../../../src/storage/checkpoint.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { attempt, type Target } from '../target.ts'

/** In memory, where there is such a folder: thousands of files a second are written. */
export function fastFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'nsq-ts-fuzz-'))
}

const place = (
  segment: number,
  offset: number,
  index: number,
): { segment: number; offset: number; index: number } => ({
  segment,
  offset,
  index,
})

const CHECKPOINTS = [
  { segments: [], distributed: place(1, 0, 0), channels: [] },
  {
    segments: [{ number: 1, count: 10, size: 1000 }],
    distributed: place(2, 100, 3),
    channels: [
      {
        name: 'c',
        cursor: place(2, 50, 1),
        skips: [{ from: place(1, 0, 0), to: place(1, 500, 5) }],
        held: [{ idSegment: 1, idIndex: 2, segment: 1, offset: 200, attempts: 3, dueMs: 1_700_000_000_000 }],
      },
      { name: 'd', cursor: place(1, 0, 0), skips: [], held: [] },
    ],
  },
].map(encodeCheckpoint)

const CRC_AT = 8
const LENGTH_AT = 12
const HEADER = 16

/** Writes the checksum and the length that it should have. */
export function sealCheckpoint(bytes: Buffer): void {
  if (bytes.length < HEADER) return
  bytes.writeUInt32BE(crc32(bytes.subarray(HEADER)), CRC_AT)
  bytes.writeUInt32BE(bytes.length - HEADER, LENGTH_AT)
}

/** Checkpoints: those of which the checksum says that they are whole are the dangerous ones. */
export function checkpoints(): Target {
  return {
    name: 'checkpoints',
    corpus: CHECKPOINTS,
    tokens: ['nsqtscp1', 'nsqtscp2', '\0\0\0\x01'],
    maxInput: 4096,
    run(input, random) {
      if (random.chance(0.9)) sealCheckpoint(input)
      return decodeCheckpoint(input) === undefined ? 'rejected' : 'accepted'
    },
  }
}

/** `nsqd.dat`, as a person or another nsqd may have written it. */
export function metadata(): Target {
  const folder = fastFolder()
  const topics = [
    { name: 't', paused: false, channels: [{ name: 'c', paused: true }] },
    { name: 'u', paused: true, channels: null },
  ]
  return {
    name: 'metadata',
    corpus: [
      { topics, version: '1.3.0', segment_reserve: 77 },
      { topics: [], version: '1.2.0' },
      { topics: null },
    ].map(each => Buffer.from(JSON.stringify(each))),
    tokens: ['null', '[]', '{}', '"name":"', '"..",', '__proto__', '\\u0000', '[[[[[[[['],
    maxInput: 4096,
    run(input, random) {
      writeFileSync(join(folder, 'nsqd.dat'), random.chance(0.7) ? input : '')
      // The copy that is read in place of a torn one.
      if (random.chance(0.3)) writeFileSync(join(folder, 'nsqd.dat.synced'), input)
      else rmSync(join(folder, 'nsqd.dat.synced'), { force: true })
      return attempt(
        () => void loadMetadata(folder, () => {}),
        error => error instanceof NsqError && error.code === 'E_METADATA',
      )
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  }
}
