import { ProtocolError } from '../../../src/protocol/errors.ts'
import { FrameReader, FrameType } from '../../../src/protocol/frame.ts'
import { decodeMessage, MESSAGE_HEADER } from '../../../src/protocol/message.ts'
import { chunksOf, same, type Target } from '../target.ts'
import { FRAMES } from './samples.ts'

const MAX_FRAME = 4096

/** What a client reads from nsqd. */
export function clientFrames(): Target {
  return {
    name: 'client-frames',
    corpus: FRAMES,
    tokens: ['OK', '_heartbeat_', 'E_FIN_FAILED ', '\0\0\0\x0a', '\0\0\0\x02'],
    mostAtOnce: MAX_FRAME,
    run(input, random) {
      const whole = read([input])
      same(read(chunksOf(input, random)), whole, 'in pieces')
      return whole.includes('\nE_BAD_FRAME') ? 'rejected' : 'accepted'
    },
  }
}

function read(chunks: readonly Buffer[]): string {
  let said = ''
  const reader = new FrameReader(
    {
      frame(type, bytes, start, end) {
        if (type !== FrameType.message || end - start < MESSAGE_HEADER) {
          said += `\n${type} ${bytes.toString('latin1', start, end)}`
          return
        }
        const { id, attempts, timestamp, body } = decodeMessage(bytes, start, end)
        said += `\n${timestamp} ${attempts} ${id} ${body.toString('latin1')}`
      },
    },
    MAX_FRAME,
  )
  try {
    for (const chunk of chunks) reader.push(chunk)
  } catch (error) {
    if (!(error instanceof ProtocolError)) throw error
    said += `\n${error.frameText}`
  }
  return said
}
