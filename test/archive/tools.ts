/** The system's gzip and zstd. */
import { spawnSync } from 'node:child_process'

export function isInstalled(tool: string): boolean {
  return spawnSync(tool, ['--version']).error === undefined
}

/** What a program makes of its standard input. Throws when it fails, or says anything but the result. */
export function filtered(tool: string, flags: readonly string[], input: Buffer): Buffer {
  const { status, stdout, stderr, error } = spawnSync(tool, ['-q', ...flags], { input, maxBuffer: 1024 ** 3 })
  if (error !== undefined) throw error
  if (status !== 0 || stderr.length > 0) throw new Error(`${tool} ${flags.join(' ')}: ${stderr.toString()}`)
  return stdout
}
