import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { isValidTopicName } from '../protocol/names.ts'

const SUFFIX = '.topic'
/** How often removing a folder is begun anew. In the background there is one file at most on its way into it. */
const ATTEMPTS = 10

/**
 * The folder of a topic. Upper-case letters are escaped (`%4f`), so that topics that differ only in case stay apart on
 * file systems that do not tell them apart; `.` and `..` are names like any other, thanks to the suffix.
 */
export function topicDirectory(dataPath: string, topic: string): string {
  const escaped = topic.replace(/[A-Z]/g, letter => `%${letter.charCodeAt(0).toString(16)}`)
  return join(dataPath, escaped + SUFFIX)
}

/** The topics that have a folder in this data path. */
export function topicNames(dataPath: string): string[] {
  const names: string[] = []
  for (const entry of readdirSync(dataPath, { withFileTypes: true })) {
    if (!entry.isDirectory() || !entry.name.endsWith(SUFFIX)) continue
    const escaped = entry.name.slice(0, -SUFFIX.length)
    const name = escaped.replace(/%([0-9a-f]{2})/g, (_, hex: string) =>
      String.fromCharCode(Number.parseInt(hex, 16)),
    )
    if (isValidTopicName(name)) names.push(name)
  }
  return names
}

/** Removes a topic's folder, though a checkpoint may just be written into it in the background. */
export function removeTopicDirectory(path: string): void {
  for (let attempt = 1; ; attempt++) {
    try {
      rmSync(path, { recursive: true, force: true })
      return
    } catch (error) {
      const isBusy = error instanceof Error && 'code' in error && error.code === 'ENOTEMPTY'
      if (!isBusy || attempt === ATTEMPTS) throw error
    }
  }
}
