import { createDeflateRaw, constants } from 'node:zlib'
import { deflateLayer } from '../../../src/net/deflate.ts'
import type { Layer } from '../../../src/net/layer.ts'
import { snappyLayer } from '../../../src/net/snappy.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import {
  MAX_SNAPPY_BLOCK,
  SNAPPY_IDENTIFIER,
  snappyChunk,
  SnappyFrameReader,
} from '../../../src/protocol/snappy-frames.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { compressSync, uncompressSync } from 'snappy'
import { chunksOf, same, type Outcome, type Target } from '../target.ts'
import { FakeSocket, turn } from './fake-socket.ts'

const COPY = { copyOutputData: true }
const compress = (bytes: Buffer): Buffer => compressSync(bytes, COPY)

/** The largest size that a block has said of itself when it was uncompressed: memory is asked for outside of Buffer. */
let largestBlock = 0

function uncompress(block: Buffer): Buffer {
  let [size, unit] = [0, 1]
  for (const byte of block.subarray(0, 5)) {
    size += (byte & 0x7f) * unit
    if (byte < 0x80) break
    unit *= 128
  }
  largestBlock = Math.max(largestBlock, size)
  return Buffer.from(uncompressSync(block, COPY))
}

const TEXTS = [
  'PUB t\n\0\0\0\x05hello',
  'abc'.repeat(500),
  '',
  'x',
  JSON.stringify({ a: [1, 2, 3] }).repeat(40),
]

const SNAPPY_STREAMS: readonly Buffer[] = [
  [
    SNAPPY_IDENTIFIER,
    ...TEXTS.filter(text => text !== '').map(text => snappyChunk(Buffer.from(text), compress)),
  ],
  [SNAPPY_IDENTIFIER, snappyChunk(Buffer.alloc(65_536, 'z'), compress), SNAPPY_IDENTIFIER],
  [
    SNAPPY_IDENTIFIER,
    Buffer.from('\xfe\x03\0\0pad\x80\x01\0\0s', 'latin1'),
    snappyChunk(Buffer.from('y'), compress),
  ],
].map(chunks => Buffer.concat(chunks))

const SNAPPY_TOKENS = [SNAPPY_IDENTIFIER, '\0\x08\0\0', '\x01\x05\0\0', '\xfe\xff\xff\xff', '\x80\0\0\0'].map(
  token => (typeof token === 'string' ? Buffer.from(token, 'latin1') : token),
)

/** The framing of snappy, as it comes over a connection. */
export function snappyFrames(): Target {
  return {
    name: 'snappy-frames',
    corpus: SNAPPY_STREAMS,
    tokens: SNAPPY_TOKENS,
    // What the largest chunk may have.
    mostAtOnce: 80_000,
    run(input, random) {
      const whole = readFrames([input])
      same(readFrames(chunksOf(input, random)), whole, 'in pieces')
      return whole.includes('E_BAD_FRAME') ? 'rejected' : 'accepted'
    },
  }
}

function readFrames(chunks: readonly Buffer[]): string {
  let said = ''
  const reader = new SnappyFrameReader(uncompress, bytes => {
    if (bytes.length > 65_536) throw new Error(`${bytes.length} bytes of one chunk`)
    said += `${bytes.length > 100 ? `${bytes.length} bytes` : bytes.toString('latin1')}\n`
  })
  try {
    for (const chunk of chunks) reader.push(chunk)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    said += error.frameText
  }
  if (largestBlock > MAX_SNAPPY_BLOCK) throw new Error(`${largestBlock} bytes of a block were believed`)
  return said
}

/** Deflate and snappy as layers over a connection, the native decoders included. */
export async function compressedStreams(): Promise<Target> {
  const snappy = await snappyLayer()
  const deflated = await Promise.all(TEXTS.map(deflate))
  return {
    name: 'compressed-streams',
    corpus: [...deflated, ...SNAPPY_STREAMS],
    tokens: [...SNAPPY_TOKENS, Buffer.from([0, 0, 0, 0xff, 0xff])],
    run: (input, random) =>
      decode(
        random.chance(0.7) ? deflateLayer(6) : snappy,
        random.chance(0.5) ? [input] : chunksOf(input, random).slice(0, 20),
      ),
  }
}

async function decode(layer: Layer, chunks: readonly Buffer[]): Promise<Outcome> {
  const socket = new FakeSocket()
  const stream = await layer(socket)
  let failure: Error | undefined
  let bytes = 0
  stream.on('error', error => {
    failure = error
  })
  const closed = new Promise<void>(resolve => {
    stream.on('close', resolve)
    stream.on('end', resolve)
  })
  stream.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  for (const chunk of chunks) {
    if (socket.destroyed) break
    socket.push(chunk)
    await turn()
  }
  if (!socket.destroyed) socket.push(null)
  await closed
  stream.destroy()
  await turn()
  if (failure !== undefined && !(failure instanceof NsqError)) throw failure
  // A thousand times as much is what deflate can do.
  if (bytes > 1032 * Buffer.concat(chunks).length + 65_536 * 20) throw new Error(`${bytes} bytes came of it`)
  return failure === undefined ? 'accepted' : 'rejected'
}

function deflate(text: string): Promise<Buffer> {
  const stream = createDeflateRaw({ flush: constants.Z_SYNC_FLUSH })
  const parts: Buffer[] = []
  stream.on('data', (part: Buffer) => void parts.push(part))
  return new Promise(resolve => {
    stream.write(text, () => resolve(Buffer.concat(parts)))
  })
}
