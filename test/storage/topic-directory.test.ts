import assert from 'node:assert/strict'
import { existsSync, mkdirSync, writeFile, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { removeTopicDirectory, topicDirectory, topicNames } from '../../src/storage/topic-directory.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

test('every topic name has a folder of its own, whatever its case', () => {
  const path = temporaryFolder()
  const names = ['orders', 'Orders', 'ORDERS', '.', '..', '...', 'a.b_c-d', 'x'.repeat(64), 'X'.repeat(64)]
  const folders = names.map(name => topicDirectory(path, name))
  assert.equal(new Set(folders.map(folder => folder.toLowerCase())).size, names.length)
  for (const folder of folders) {
    assert.equal(join(folder, '..'), path)
    assert.ok(folder.length - path.length < 255)
    mkdirSync(folder)
  }
  assert.deepEqual(topicNames(path).sort(), names.toSorted())
})

test('anything else in the data path is left alone', () => {
  const path = temporaryFolder()
  writeFileSync(join(path, 'file.topic'), '')
  for (const name of ['t', 'bad name.topic', '.topic', 'good.topic', 'a%20b.topic'])
    mkdirSync(join(path, name))
  assert.deepEqual(topicNames(path), ['good'])
})

test('a folder is removed, though somebody is writing a file into it', async () => {
  const path = topicDirectory(temporaryFolder(), 't')
  for (let round = 0; round < 100; round++) {
    mkdirSync(path)
    // They take a while to remove, so that the other one comes in between.
    for (let i = 0; i < 20; i++) writeFileSync(join(path, String(i)), '')
    const written = new Promise(resolve => writeFile(join(path, 'checkpoint'), '', resolve))
    removeTopicDirectory(path)
    await written
    assert.equal(existsSync(path), false)
  }
})
