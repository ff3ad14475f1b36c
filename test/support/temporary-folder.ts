import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const made: string[] = []

/**
 * Makes a folder that goes when the test's process ends, and not with its test: a daemon that is still to be stopped
 * may write to it until then.
 */
export function temporaryFolder(): string {
  if (made.length === 0) process.once('exit', () => made.forEach(remove))
  const path = mkdtempSync(join(tmpdir(), 'nsq-ts-test-'))
  made.push(path)
  return path
}

function remove(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
