import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
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

  test('removes what those have left that were killed while they took it, and nothing else', () => {
    const gone = JSON.stringify({ pid: 2 ** 22 + 1, started: null })
    const alive = JSON.stringify({ pid: process.ppid, started: null })
    const [litter, guard, others] = [
      'a.lock.4194305-0086e871',
      'a.lock.d81b3ff26437',
      'b.lock.4194305-0086e871',
    ]
    for (const name of [litter, guard, others]) writeFileSync(join(folder, name), gone)
    writeFileSync(join(folder, 'a.lock.7-01234567'), alive)
    const release = lock(file)
    assert.deepEqual(readdirSync(folder).sort(), ['a.lock', 'a.lock.7-01234567', 'b.lock.4194305-0086e871'])
    release()
  })

  test('is never seen without its holder, nor one that is stale when it was taken over', t => {
    const gone = JSON.stringify({ pid: 2 ** 22 + 1, started: null })
    writeFileSync(file, gone)
    const seen = new Set<string>()
    const look = (): void => {
      if (existsSync(file)) seen.add(readFileSync(file, 'utf8'))
    }
    const restore: (() => void)[] = []
    for (const name of ['openSync', 'writeFileSync', 'fsyncSync', 'linkSync', 'rmSync'] as const) {
      restore.push(
        replaceFs(t, name, original => (...given: unknown[]) => {
          const result: unknown = Reflect.apply(original, undefined, given)
          look()
          return result
        }),
      )
    }
    const release = lock(file)
    const ours = readFileSync(file, 'utf8')
    for (const undo of restore.reverse()) undo()
    release()
    assert.deepEqual([...seen].sort(), [gone, ours].sort())
    assert.deepEqual(readdirSync(folder), [])
  })

  test('can be taken over at once from those that have died while they took it over', () => {
    const gone = JSON.stringify({ pid: 2 ** 22 + 1, started: null })
    const hash = createHash('sha256').update(gone).digest('hex').slice(0, 12)
    for (const name of [file, `${file}.${hash}`, `${file}.${hash}.${hash}`]) writeFileSync(name, gone)
    lock(file)()
    assert.deepEqual(readdirSync(folder), [])
  })

  for (const code of ['EPERM', 'EOPNOTSUPP']) {
    test(`works where there are no hard links (${code})`, t => {
      replaceFs(t, 'linkSync', () => () => {
        throw systemError(code)
      })
      writeFileSync(file, JSON.stringify({ pid: 2 ** 22 + 1, started: null }))
      const release = lock(file)
      assert.equal(holderOf(file)?.pid, process.pid)
      release()
      assert.deepEqual(readdirSync(folder), [])
    })
  }

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
