import assert from 'node:assert/strict'
import type { Random } from '../storage/random.ts'
import { pause } from '../support/wait.ts'
import type { ArchiveProcess } from './archive-process.ts'

/** A process that is not killed by then has nothing more to say. */
const LONGEST_LIFE_MS = 3000

/**
 * Ends the process: most often by a kill, at a moment of its life that is anything or that is told from its log.
 *
 * @param mayFail - it may have ended by itself: nsqd was out of reach when it began
 */
export async function endAt(archive: ArchiveProcess, random: Random, mayFail = false): Promise<void> {
  if (random.chance(0.5)) {
    await pause(random.int(50, 1500))
  } else {
    await lines(archive, random.int(1, 30))
    await pause(random.pick([0, 0, 1, 3, 10]))
  }
  if (random.chance(0.2)) {
    archive.send('SIGHUP')
    await pause(random.int(0, 5))
  }
  if (random.chance(0.1)) {
    archive.send('SIGTERM')
    // Amid its last commits and uploads.
    if (random.chance(0.5)) await pause(random.int(0, 50))
    else await archive.end(60_000)
  }
  const { code, stderr } = await archive.kill()
  // A signal, or all is well; or it could not begin.
  assert.ok(code === null || code === 0 || mayFail, `archive ended by itself with ${code}\n${stderr}`)
}

/** Resolves when it has written so many lines of its log, or nothing more is to be expected. */
async function lines(archive: ArchiveProcess, count: number): Promise<void> {
  await new Promise<void>(resolve => {
    const timer = setTimeout(resolve, LONGEST_LIFE_MS)
    const done = (): void => {
      clearTimeout(timer)
      resolve()
    }
    let seen = 0
    archive.onLine = () => {
      if (++seen >= count) done()
    }
    archive.onEnd = done
  })
}
