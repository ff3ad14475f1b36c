import assert from 'node:assert/strict'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { tryLock, type LockHolder } from '../../src/util/lock-file.ts'
import { replaceFs, systemError } from '../storage/fixtures.ts'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nsq-ts-lock-'))
  file = join(folder, 'a.lock')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

/** The lock, which must be free. */
function lock(path: string, options?: Parameters<typeof tryLock>[1]): () => void {
  const { release } = tryLock(path, options)
  assert.ok(release !== undefined)
  return release
}

/** Who has the lock, which must be taken. */
function holderOf(path: string, options?: Parameters<typeof tryLock>[1]): LockHolder | undefined {
  const attempt = tryLock(path, options)
  assert.ok(attempt.release === undefined)
  return attempt.holder
}

describe('tryLock', () => {
  test('says who holds it, and what for', () => {
    const release = lock(file, { hostname: 'here', purpose: 'recovery' })
    const holder = holderOf(file, { hostname: 'here' })
    assert.deepEqual([holder?.pid, holder?.hostname, holder?.purpose], [process.pid, 'here', 'recovery'])
    assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), holder)
    release()
    assert.ok(!existsSync(file))
    lock(file)()
  })

  test('leaves nothing behind when there is no room to say who holds it', t => {
    const restore = replaceFs(t, 'writeFileSync', () => () => {
      throw systemError('ENOSPC')
    })
    assert.throws(() => tryLock(file), /ENOSPC/)
    restore()
    assert.deepEqual(readdirSync(folder), [])
    lock(file)()
  })

  test('locks of one folder know nothing of each other', () => {
    const releases = [lock(file), lock(join(folder, 'b.lock'))]
    assert.deepEqual(readdirSync(folder).sort(), ['a.lock', 'b.lock'])
    for (const release of releases) release()
    assert.deepEqual(readdirSync(folder), [])
  })

  test('is the same lock by another way to the folder', () => {
    const release = lock(file)
    const link = `${folder}.link`
    symlinkSync(folder, link)
    try {
      assert.equal(holderOf(join(link, 'a.lock'))?.pid, process.pid)
    } finally {
      rmSync(link)
    }
    release()
  })

  test('of another machine is never taken over, whatever runs here', () => {
    const gone = { pid: 2 ** 22 + 1, started: null, hostname: 'there' }
    writeFileSync(file, JSON.stringify(gone))
    assert.deepEqual(holderOf(file, { hostname: 'here' }), gone)
    // The same machine again, or somebody who does not tell machines apart.
    lock(file, { hostname: 'there' })()
    writeFileSync(file, JSON.stringify(gone))
    lock(file)()
  })

  test('throws what the file system says', () => {
    assert.throws(() => tryLock(join(folder, 'missing', 'a.lock')), { code: 'ENOENT' })
  })
})
