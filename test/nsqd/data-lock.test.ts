import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { lockDataPath } from '../../src/nsqd/data-lock.ts'
import { NsqError } from '../../src/util/errors.ts'

const notLinux = process.platform === 'linux' ? false : 'reads /proc'

let folder = ''
let file = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nsq-ts-lock-'))
  file = join(folder, 'nsqd.lock')
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe('lockDataPath', () => {
  test('keeps a second one of this process out until it is released', () => {
    const release = lockDataPath(folder)
    assert.throws(() => lockDataPath(`${folder}/.`), isLocked(/this process/))
    release()
    assert.ok(!existsSync(file))
    const again = lockDataPath(folder)
    // Releasing twice must not take the lock from its next holder.
    release()
    assert.throws(() => lockDataPath(folder), isLocked(/this process/))
    again()
  })

  test('creates the data path', () => {
    const path = join(folder, 'a', 'b')
    const release = lockDataPath(path)
    assert.deepEqual(readdirSync(path), ['nsqd.lock'])
    release()
  })

  test('names the process that holds it', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1000)'])
    await once(child, 'spawn')
    writeFileSync(file, JSON.stringify({ pid: child.pid, started: null }))
    assert.throws(() => lockDataPath(folder), isLocked(new RegExp(`pid ${child.pid}`)))
    child.kill('SIGKILL')
    await once(child, 'exit')
    lockDataPath(folder)()
  })

  test('takes over from a process that is dead, and not yet waited for', { skip: notLinux }, async () => {
    // The shell becomes a program that never waits for the child it had.
    const parent = spawn('sh', ['-c', 'sleep 0.3 & echo $!; exec sleep 60'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    try {
      const [line] = await once(parent.stdout, 'data')
      const pid = Number(String(line))
      while (!readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ')) await delay(5)
      writeFileSync(file, JSON.stringify({ pid, started: 'long ago' }))
      lockDataPath(folder)()
      writeFileSync(file, JSON.stringify({ pid, started: null }))
      lockDataPath(folder)()
    } finally {
      parent.kill('SIGKILL')
    }
  })

  test('keeps another process out by its own lock', async () => {
    const release = lockDataPath(folder)
    const module = new URL('../../src/nsqd/data-lock.ts', import.meta.url).href
    const code = `const { lockDataPath } = await import(${JSON.stringify(module)})
      try { lockDataPath(process.argv[1]) } catch (error) { process.stdout.write(error.code + ' ' + error.message) }`
    const args = ['--import', 'tsx', '--input-type=module', '-e', code, folder]
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const output = (await child.stdout.toArray()).join('')
    assert.match(output, new RegExp(`^E_DATA_PATH_LOCKED .*pid ${process.pid}`))
    release()
  })

  test('takes over what is left of a process that is gone, or of one whose number was used again', () => {
    const stale = [
      { pid: 2 ** 22 + 1, started: null },
      { pid: process.pid, started: 'an earlier boot 1' },
      { pid: process.pid, started: null },
      ...(process.platform === 'linux' ? [{ pid: process.ppid, started: 'an earlier boot 1' }] : []),
    ]
    for (const holder of stale) {
      writeFileSync(file, JSON.stringify(holder))
      const release = lockDataPath(folder)
      assert.equal(JSON.parse(readFileSync(file, 'utf8')).pid, process.pid)
      assert.deepEqual(readdirSync(folder), ['nsqd.lock'])
      release()
    }
  })

  test('takes a lock that cannot be read for one being written, but not for long', () => {
    writeFileSync(file, '')
    assert.throws(() => lockDataPath(folder), isLocked(/another nsqd/))
    const past = new Date(Date.now() - 60_000)
    utimesSync(file, past, past)
    lockDataPath(folder)()
  })

  test('says that it cannot use a path, and what to do', () => {
    const path = join(folder, 'file')
    writeFileSync(path, '')
    for (const unusable of [path, join(path, 'below'), '/proc/nsq-ts/data']) {
      assert.throws(
        () => lockDataPath(unusable),
        error => error instanceof NsqError && error.code === 'E_DATA_PATH' && error.remedy !== undefined,
      )
    }
  })
})

function isLocked(message: RegExp): (error: unknown) => boolean {
  return error => {
    assert.ok(error instanceof NsqError)
    assert.equal(error.code, 'E_DATA_PATH_LOCKED')
    assert.match(error.message, message)
    assert.match(error.remedy ?? '', /--data-path/)
    return true
  }
}
