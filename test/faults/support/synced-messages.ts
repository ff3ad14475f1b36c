import { DUE_LENGTH, isDeferred, isPlausible, recordLength } from '../../../src/storage/record.ts'
import { MESSAGE_OVERHEAD } from '../../../src/protocol/message.ts'
import { decodeNumbered, nameOf } from './numbered-body.ts'
import type { PowerDisk } from './power-disk.ts'

const INDEX_LINE = 16

/**
 * The messages in segments that no power cut can take: those whose bytes and whose line of the index are synced. Copies of
 * them in segments of stragglers are not looked at: until a checkpoint knows of a copy, the message is where it was.
 */
export function syncedMessages(disk: PowerDisk): string[] {
  const indexes = new Map<string, Buffer>()
  for (const file of disk.files) {
    if (file.path.endsWith('.idx') && disk.isCertain(file)) indexes.set(file.path, file.durable)
  }
  const names: string[] = []
  for (const file of disk.files) {
    const { path, durable } = file
    if (!path.endsWith('.log') || !disk.isCertain(file)) continue
    const index = indexes.get(path.replace(/\.\w+$/, '.idx'))
    if (index !== undefined) names.push(...messagesIn(durable.subarray(0, coveredBy(index))))
  }
  return names
}

/** Up to where the lines of an index reach without a gap. */
function coveredBy(index: Buffer): number {
  let end = 0
  for (let at = 0; at + INDEX_LINE <= index.length && index.readUInt32BE(at) === end; at += INDEX_LINE) {
    const length = index.readUInt32BE(at + 4)
    if (length === 0) break
    end += length
  }
  return end
}

function messagesIn(log: Buffer): string[] {
  const names: string[] = []
  for (let at = 0; isPlausible(log, at, log.length);) {
    const end = at + recordLength(log, at)
    if (end > log.length) break
    const bodyEnd = isDeferred(log, at) ? end - DUE_LENGTH : end
    const body = decodeNumbered(log.toString('utf8', at + MESSAGE_OVERHEAD, bodyEnd))
    if (body !== undefined) names.push(nameOf(body))
    at = end
  }
  return names
}
