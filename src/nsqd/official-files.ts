import { readdirSync } from 'node:fs'
import type { Logger } from '../util/logger.ts'

/** The official nsqd's queue files cannot be read: says so, rather than hide messages. */
export function warnOfOfficialFiles(dataPath: string, logger: Logger): void {
  const files = readdirSync(dataPath).filter(name => name.endsWith('.diskqueue.meta.dat'))
  if (files.length === 0) return
  logger.warn(
    `${dataPath} holds ${files.length} queues of the official nsqd, whose messages are not read; ` +
      'drain them with the official nsqd first',
  )
}
