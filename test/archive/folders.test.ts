import assert from 'node:assert/strict'
import { existsSync, rmdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeFile, usingFolder } from '../../src/archive/folders.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause } from '../support/wait.ts'

test('files that are removed at once leave no empty folder, and none of them is in the way of another', async () => {
  const base = temporaryFolder()
  const path = join(base, 'dt=1', 'hour=2')
  for (let round = 0; round < 20; round++) {
    const files = Array.from({ length: 10 }, (_, i) => join(path, `${i}`))
    await usingFolder(path, base, () => Promise.all(files.map(file => writeFile(file, ''))))
    await Promise.all(files.map(file => removeFile(file, base)))
    assert.equal(existsSync(join(base, 'dt=1')), false)
    assert.ok(existsSync(base))
  }
})

test('files are made in a folder while others are removed from it', async () => {
  const base = temporaryFolder()
  const cycle = async (name: string): Promise<void> => {
    for (let round = 0; round < 50; round++) {
      const path = join(base, 'dt=1', `hour=${round % 2}`)
      const file = join(path, name)
      await usingFolder(path, base, async () => {
        // Its marker is made first, which takes as long.
        await pause(2)
        await writeFile(file, '')
      })
      await removeFile(file, base)
    }
  }
  await Promise.all(Array.from({ length: 8 }, (_, i) => cycle(`${i}`)))
  assert.equal(existsSync(join(base, 'dt=1')), false)
})

test('a folder that other processes remove again and again is made again', async () => {
  const base = temporaryFolder()
  const path = join(base, 'dt=1')
  let times = 0
  await usingFolder(path, base, async () => {
    if (++times <= 5) rmdirSync(path)
    await writeFile(join(path, 'file'), '')
  })
  assert.equal(times, 6)
})
