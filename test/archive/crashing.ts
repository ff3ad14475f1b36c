/**
 * Archives messages without end, each with its number, until it is killed:
 *
 *     node --import tsx test/archive/crashing.ts OUTPUT WORK COMPRESSION FORMAT FIRST
 *
 * Each number is written to stdout when its message was finished. WORK is - for files that are written in place.
 */
import { writeSync } from 'node:fs'
import { setImmediate as turn } from 'node:timers/promises'
import { Archiver } from '../../src/archive/archiver.ts'
import { loadCompression } from '../../src/archive/compression.ts'
import { FolderDestination, InPlace } from '../../src/archive/folder-destination.ts'
import { recordFormat } from '../../src/archive/record-format.ts'
import { FakeMessage, Log, namesOf, openFolder } from './rig.ts'

const [output = '', work = '', compressionName = '', format = '', first = ''] = process.argv.slice(2)
const compression = compressionName === 'gzip' || compressionName === 'zstd' ? compressionName : 'none'
const given = { output, ...(work === '-' ? {} : { work }), compression, names: { format } } as const
const log = new Log()
log.finished = messages => {
  writeSync(1, messages.map(({ body }) => `${body.toString().split(' ')[1]}\n`).join(''))
}
const folder = await openFolder(given, log)
const archiver = await Archiver.open({
  topic: 't',
  channel: 'c',
  names: namesOf(given),
  format: recordFormat('lines'),
  compression: await loadCompression(compression),
  messageMs: ({ timestamp }) => Number(timestamp / 1_000_000n),
  folder,
  destination: work === '-' ? new InPlace(folder.path) : await FolderDestination.open(output),
  finishAfter: 'durable',
  commitAt: 20,
  isStarved: () => false,
  syncIntervalMs: 1000,
  rotateBytes: 5000,
  rotateIntervalMs: 0,
  keepsEmptyFiles: false,
  failsAtOnce: false,
  events: log,
})
for (let number = Number(first); ; number++) {
  // Two partitions, where there are any.
  archiver.add(new FakeMessage(`message ${number} ${'.'.repeat(80)}`, (number % 2) * 3_600_000))
  if (archiver.progress.inHand >= 40) await turn()
}
