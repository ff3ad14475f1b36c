import { createHash } from 'node:crypto'
import { MissingFile } from '../../archive/archive-files.ts'
import { damaged } from '../../archive/damaged.ts'
import { readRecords } from '../../archive/reader.ts'
import { errorText, NsqError } from '../../util/errors.ts'
import type { Part } from './parts.ts'

/**
 * The records of a file, those that come together in one batch.
 *
 * @param largest - as in readRecords
 * @throws NsqError after what can be read: `E_ARCHIVE_DAMAGED`, also for what is not as its manifest says, `E_ARCHIVE_READ`,
 *   S3Error
 */
export async function* readPart(
  { files, name, framing, compression, listed }: Part,
  largest: number,
  onBytes: (count: number) => void,
): AsyncGenerator<Buffer[]> {
  const hash = listed === undefined ? undefined : createHash('sha256')
  let bytes = 0
  async function* input(): AsyncGenerator<Buffer> {
    for await (const chunk of files.read(name)) {
      hash?.update(chunk)
      bytes += chunk.length
      onBytes(chunk.length)
      yield chunk
    }
  }
  let records = 0
  try {
    for await (const batch of readRecords(input(), framing, compression, largest)) {
      records += batch.length
      yield batch
    }
  } catch (error) {
    if (error instanceof NsqError) throw error
    const why = error instanceof MissingFile ? 'it is not there' : errorText(error)
    throw new NsqError('E_ARCHIVE_READ', why, { cause: error })
  }
  if (listed === undefined) return
  if (bytes !== listed.bytes)
    throw damaged(`it has ${bytes} bytes, and not ${listed.bytes} as its manifest says`)
  if (hash?.digest('hex') !== listed.sha256)
    throw damaged('its bytes are not those that were written (sha256)')
  // A message with newlines in it is several lines where they are not escaped.
  const isWhole = framing === 'lines' ? records >= listed.messages : records === listed.messages
  if (!isWhole) throw damaged(`it has ${records} messages, and not ${listed.messages} as its manifest says`)
}
