import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmdirSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

/** A file system of its own, gone when the test ends; undefined, and the test skipped, when this user may not mount one. */
export function mountDisk(t: TestContext, megabytes: number): string | undefined {
  const path = mkdtempSync(join(tmpdir(), 'nsq-ts-disk-'))
  let isMounted = false
  t.after(() => {
    // Lazily: what the test has open there is closed after this.
    if (isMounted) execFileSync('umount', ['-l', path])
    rmdirSync(path)
  })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m`, 'tmpfs', path], { stdio: 'ignore' })
    isMounted = true
    return path
  } catch {
    t.skip('cannot mount a disk: this needs root, on Linux')
    return undefined
  }
}

/** Leaves no room, but for entries of folders. Returns the file that has it all. */
export function fillDisk(path: string): string {
  const ballast = join(path, 'ballast')
  for (const step of [64 * 1024, 4096, 1]) {
    try {
      for (;;) writeFileSync(ballast, Buffer.alloc(step), { flag: 'a' })
    } catch {
      // Now smaller pieces.
    }
  }
  return ballast
}

export function remount(path: string, mode: 'ro' | 'rw'): void {
  execFileSync('mount', ['-o', `remount,${mode}`, path])
}
