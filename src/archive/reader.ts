import type { Compression } from './compression.ts'
import { damaged } from './damaged.ts'
import { DelimitedFraming, type Framing, FramingError, LengthFraming, UnescapedFraming } from './framing.ts'
import type { FramingName } from './record-format.ts'

/** Larger than every message of nsqd; so much memory a damaged file may take, unless less is allowed. */
const LARGEST = 2 ** 31 - 1
const NEWLINE: Buffer = Buffer.from('\n')
const NEWLINE_BYTE = 0x0a

/**
 * Reads what `archive` has written: the bodies in it, those that come together in one batch; of `jsonl` the lines, for
 * decodeRecord; of `lines` each line, empty ones too.
 *
 * @param largest - bytes of the largest record, as it is written; a larger one is taken for damage
 * @throws NsqError `E_ARCHIVE_DAMAGED` when the input is torn or damaged, after what comes before that; what `input` throws
 */
export async function* readRecords(
  input: AsyncIterable<Buffer>,
  framing: FramingName,
  compression: Compression,
  largest: number = LARGEST,
): AsyncGenerator<Buffer[]> {
  const cutter = newFraming(framing, largest)
  let last: number | undefined = NEWLINE_BYTE
  for await (const chunk of compression.decompress(input)) {
    yield* cut(cutter, bodies => cutter.push(chunk, bodies))
    if (chunk.length > 0) last = chunk.at(-1)
  }
  if (framing !== 'length' && last !== NEWLINE_BYTE) throw damaged('the last record is torn')
  yield* cut(cutter, bodies => cutter.end(bodies))
}

function newFraming(framing: FramingName, largest: number): Framing {
  if (framing === 'length') return new LengthFraming(largest)
  if (framing === 'escaped') return new UnescapedFraming(NEWLINE, largest)
  return new DelimitedFraming(NEWLINE, largest, true)
}

function* cut(framing: Framing, into: (bodies: Buffer[]) => void): Generator<Buffer[]> {
  const bodies: Buffer[] = []
  let failure: unknown
  try {
    into(bodies)
  } catch (error) {
    failure = error
  }
  if (bodies.length > 0) yield bodies
  if (failure instanceof FramingError) throw damaged(failure.message, failure)
  if (failure !== undefined) throw failure
  if (framing.empty > 0) throw damaged('there is an empty record, which no message is')
}
