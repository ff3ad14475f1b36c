import { gzipSync } from 'node:zlib'
import { ByteSource } from '../../../src/archive/byte-source.ts'
import { loadCompression } from '../../../src/archive/compression.ts'
import { decodeRecord } from '../../../src/archive/jsonl.ts'
import { readManifest } from '../../../src/archive/manifest-line.ts'
import { readRecords } from '../../../src/archive/reader.ts'
import type { FramingName } from '../../../src/archive/record-format.ts'
import { recordScanner } from '../../../src/archive/record-scanner.ts'
import { parseS3Url } from '../../../src/archive/s3/url.ts'
import { readFrame } from '../../../src/archive/zstd-frame.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { attempt, chunksOf, same, type Outcome, type Target } from '../target.ts'

const FRAMINGS: readonly FramingName[] = ['lines', 'escaped', 'jsonl', 'length']
const LARGEST = 4096

const RECORDS = [
  'one\ntwo\n\\n and \\\\\n',
  '\0\0\0\x03one\0\0\0\x02ab',
  `${JSON.stringify({ topic: 't', id: '0', timestamp: '2026-01-02T15:04:05.123456789Z', attempts: 1, body: 'x\u00e9' })}\n`,
  `${JSON.stringify({ topic: 't', body_base64: 'AAEC' })}\n`,
].map(text => Buffer.from(text, 'latin1'))

const MANIFEST = JSON.stringify({
  file: 'a/b.log.gz',
  topic: 't',
  framing: 'lines',
  compression: 'gzip',
  messages: 3,
  bytes: 100,
  sha256: 'a'.repeat(64),
  from: '2026-01-02T15:04:05Z',
})

// A header, one raw block of three bytes, which is the last one.
const ZSTD_FRAME = Buffer.from('28b52ffd2003190000616263', 'hex')

/** Archived files, and what lies beside them, as others may have left or changed them. */
export async function archives(): Promise<Target> {
  const none = await loadCompression('none')
  const gzip = await loadCompression('gzip')
  const ours = await Promise.all(RECORDS.map(async each => Buffer.concat(await gzip.compress([each]))))
  return {
    name: 'archives',
    corpus: [
      ...RECORDS,
      ...ours,
      gzipSync('theirs\n'),
      Buffer.from(`${MANIFEST}\n${MANIFEST}\n`),
      ZSTD_FRAME,
      Buffer.from('s3://bucket/a/b'),
    ],
    tokens: [
      '\n',
      '\\n',
      '\\',
      '\r',
      '\0\0\0\x01',
      '{"body":"',
      '"}',
      '\x1f\x8b\x08',
      '"file":"../x"',
      '\\ud800',
      '/',
      '..',
    ],
    maxInput: 8192,
    async run(input, random) {
      const framing = random.pick(FRAMINGS)
      const chunks = chunksOf(input, random)
      const [whole, pieces] = await Promise.all([read([input], framing), read(chunks, framing)])
      // Of what is damaged, the rest of a piece may come, too, and other damage in it.
      same(String(pieces.failure === ''), String(whole.failure === ''), `${framing} in pieces`)
      same(pieces.bodies, whole.bodies.slice(0, pieces.bodies.length), `${framing} in pieces`)
      if (whole.failure === '') same(pieces.bodies, whole.bodies, `${framing} in pieces`)
      same(scan(chunks, framing), scan([input], framing), `${framing} scanned in pieces`)
      readManifest(input)
      const outcomes = [
        attempt(
          () => void decodeRecord(input),
          error => error instanceof RangeError,
        ),
        attempt(
          () => void parseS3Url(input.toString()),
          error => error instanceof RangeError,
        ),
        await refusable(() => read([input], framing, true)),
        await refusable(() => readFrame(new ByteSource(stream(chunks)))),
      ]
      return outcomes.includes('accepted') ? 'accepted' : 'rejected'
    },
  }

  async function read(chunks: readonly Buffer[], framing: FramingName, isCompressed = false): Promise<Read> {
    let bodies = ''
    try {
      for await (const batch of readRecords(stream(chunks), framing, isCompressed ? gzip : none, LARGEST)) {
        for (const body of batch) bodies += `${body.toString('latin1')}|`
      }
    } catch (error) {
      if (!(error instanceof NsqError) || isCompressed) throw error
      return { bodies, failure: error.message }
    }
    return { bodies, failure: '' }
  }
}

interface Read {
  bodies: string
  failure: string
}

function scan(chunks: readonly Buffer[], framing: FramingName): string {
  const scanner = recordScanner(framing)
  for (const chunk of chunks) scanner.push(chunk)
  const { records, wholeBytes, isBetween, isBroken } = scanner
  return `${records} ${wholeBytes} ${isBetween} ${isBroken}`
}

async function* stream(chunks: readonly Buffer[]): AsyncGenerator<Buffer> {
  yield* chunks
}

async function refusable(read: () => Promise<unknown>): Promise<Outcome> {
  try {
    await read()
  } catch (error) {
    if (error instanceof NsqError || error instanceof RangeError) return 'rejected'
    throw error
  }
  return 'accepted'
}
