import assert from 'node:assert/strict'
import { closeSync, fdatasync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs'
import { open, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { promisify } from 'node:util'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { brokenDisk } from './broken-disk.ts'

describe('a broken disk', () => {
  test('fails calls of each kind, and is whole when healed', async t => {
    const path = join(temporaryFolder(), 'file')
    const disk = await brokenDisk(t)
    const file = openSync(path, 'w')
    const handle = await open(path, 'r+')
    const others: [Parameters<typeof disk.fail>[0]['call'], () => unknown][] = [
      ['open', () => openSync(path, 'r')],
      ['open', () => open(path, 'r')],
      ['write', () => writeSync(file, 'text')],
      ['write', () => handle.writeFile('text')],
      ['write', () => writeFileSync(path, 'text')],
      ['read', () => readFileSync(path)],
      ['sync', () => promisify(fdatasync)(file)],
      ['sync', () => handle.datasync()],
      ['rename', () => renameSync(path, path)],
      ['remove', () => rm(`${path}.none`, { force: true })],
    ]
    for (const [call, act] of others) {
      const fault = disk.fail({ call, code: 'EIO', path: /file/ })
      await assert.rejects(async () => act(), { code: 'EIO' }, act.toString())
      assert.equal(fault.count, 1)
      disk.heal()
      await act()
    }
    disk.fail({ call: 'close', code: 'EIO' })
    assert.throws(() => closeSync(file), { code: 'EIO' })
    await assert.rejects(handle.close(), /^Error: EIO: i\/o error, close '.*file'$/)
    disk.heal()
    assert.throws(() => closeSync(file), { code: 'EBADF' }, 'it was closed all the same')
  })

  test('fails only what it was told to, so many times', async t => {
    const path = join(temporaryFolder(), 'file')
    const disk = await brokenDisk(t)
    const fault = disk.fail({ call: ['write', 'sync'], code: 'ENOSPC', path: /file$/, after: 1, times: 2 })
    writeFileSync(`${path}.other`, 'text')
    writeFileSync(path, 'first')
    for (let i = 0; i < 2; i++) assert.throws(() => writeFileSync(path, 'no'), { code: 'ENOSPC' })
    writeFileSync(path, 'last')
    assert.equal(fault.count, 2)
    assert.equal(readFileSync(path, 'utf8'), 'last')
  })
})
