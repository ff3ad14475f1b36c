import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'

const BALLAST = '.ballast'

/** A file system in memory, of its own size. */
export class SmallDisk {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /**
   * Mounts one, which is gone when the test ends. Undefined, and the test skipped with the reason, where this user may
   * not.
   */
  static mount(t: TestContext, bytes: number): SmallDisk | undefined {
    const path = mkdtempSync(join(tmpdir(), 'nsq-ts-disk-'))
    let isMounted = false
    t.after(() => {
      // Also when something there is still open.
      if (isMounted) execFileSync('umount', ['--lazy', path])
      rmSync(path, { recursive: true, force: true })
    })
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', path], { stdio: 'ignore' })
      isMounted = true
    } catch {
      t.skip('cannot mount a small disk: this needs root, on Linux')
      return undefined
    }
    return new SmallDisk(path)
  }

  /** Takes all the room that is left, to the last byte. */
  fill(): void {
    for (let size = 1024 * 1024; size >= 1; size = Math.floor(size / 2)) {
      try {
        for (;;) writeFileSync(join(this.path, BALLAST), Buffer.alloc(size), { flag: 'a' })
      } catch (error) {
        if (!(error instanceof Error) || !('code' in error) || error.code !== 'ENOSPC') throw error
      }
    }
  }

  /** Gives back what `fill` took. */
  makeRoom(): void {
    rmSync(join(this.path, BALLAST), { force: true })
  }

  remount(how: 'ro' | 'rw'): void {
    execFileSync('mount', ['-o', `remount,${how}`, this.path])
  }
}
