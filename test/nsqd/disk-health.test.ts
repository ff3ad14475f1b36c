import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { DiskHealth } from '../../src/nsqd/disk-health.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

function setUp(dataPath = temporaryFolder()) {
  const log: string[] = []
  const clock = { ms: 1_700_000_000_000 }
  const logger = new Logger({ prefix: '', level: LogLevel.debug, write: line => void log.push(line) })
  return { dataPath, log, clock, health: new DiskHealth(dataPath, logger, () => clock.ms) }
}

describe('the health of the disk', () => {
  test('says what is wrong until all of it is well again, messages first; a change is logged once', () => {
    const { health, log } = setUp()
    assert.equal(health.text, 'OK')
    health.report('messages', null)
    health.report('the list of topics and channels', new Error('EROFS'))
    assert.equal(health.text, 'NOK - EROFS')
    for (let i = 0; i < 3; i++) health.report('messages', new Error('EIO'))
    assert.equal(health.text, 'NOK - EIO')
    assert.equal(log.length, 2)
    health.report('messages', null)
    assert.equal(health.text, 'NOK - EROFS')
    health.report('the list of topics and channels', null)
    assert.equal(health.text, 'OK')
    assert.match(
      log.join(),
      /refuses messages: EIO.*takes messages again.*takes the list of topics and channels again/s,
    )
    health.report('the checkpoint of topic t', new Error('EIO'))
    health.forget('the checkpoint of topic t')
    assert.equal(health.text, 'OK')
  })

  test('is a few lines in the log where it refuses every other publish', () => {
    const { health, log } = setUp()
    for (let i = 0; i < 1000; i++) health.report('messages', i % 2 === 0 ? new Error('EACCES') : null)
    const lines = log.filter(line => !line.includes('DEBUG'))
    assert.ok(lines.length > 0 && lines.length < 20, `${lines.length} lines`)
  })

  test('is tried where it has refused messages, and none came for five seconds', async () => {
    const { dataPath, clock, health } = setUp()
    health.report('messages', new Error('EIO'))
    clock.ms += 4999
    await health.probe()
    assert.equal(health.text, 'NOK - EIO')
    health.report('messages', new Error('EIO'))
    clock.ms += 4999
    await health.probe()
    assert.equal(health.text, 'NOK - EIO')
    clock.ms += 1
    await health.probe()
    assert.equal(health.text, 'OK')
    assert.deepEqual(readdirSync(dataPath), [])
  })

  test('is not well when that fails, nor for what else is wrong', async () => {
    const { clock, health } = setUp(join(temporaryFolder(), 'gone'))
    health.report('messages', new Error('EIO'))
    clock.ms += 5000
    await health.probe()
    assert.equal(health.text, 'NOK - EIO')
    health.report('messages', null)
    health.report('what was not synced', new Error('EIO'))
    clock.ms += 5000
    await health.probe()
    assert.equal(health.text, 'NOK - EIO')
  })
})
