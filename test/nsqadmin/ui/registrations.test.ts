import assert from 'node:assert/strict'
import { test } from 'node:test'
import { untilText } from '../../../src/nsqadmin/ui/countdown.ts'
import { compareVersions, missingAt, newestVersion } from '../../../src/nsqadmin/ui/registrations.ts'

const at = (ms: number): string => untilText(1_000_000 + ms, 1_000_000)

test('the time that is left, in its two largest units', () => {
  assert.equal(at(-5000), 'now')
  assert.equal(at(0), 'now')
  assert.equal(at(1), 'in 1 s')
  assert.equal(at(1000), 'in 1 s')
  assert.equal(at(44_100), 'in 45 s')
  assert.equal(at(60_000), 'in 1 min')
  assert.equal(at(65_000), 'in 1 min 5 s')
  assert.equal(at(3_600_000), 'in 1 h')
  assert.equal(at(3_725_000), 'in 1 h 2 min')
  assert.equal(at(3_605_000), 'in 1 h')
  assert.equal(at(90_000_000), 'in 1 d 1 h')
})

test('versions are compared by their numbers', () => {
  assert.ok(compareVersions('1.10.0', '1.9.9') > 0)
  assert.ok(compareVersions('1.3.0', '1.3.0-alpha') > 0)
  assert.ok(compareVersions('1.3.0-alpha', '1.3.0-beta') < 0)
  assert.equal(compareVersions('1.3', '1.3.0'), 0)
  const nodes = ['1.2.1', '', '1.10.0', 'unknown', '1.9.0'].map(version => ({ version }))
  assert.equal(newestVersion(nodes), '1.10.0')
  assert.equal(newestVersion([{ version: '' }]), undefined)
})

test('which nsqlookupds do not know a node', () => {
  assert.deepEqual(missingAt({ lookupds: ['a:4161'] }, ['a:4161', 'b:4161']), ['b:4161'])
  assert.deepEqual(missingAt({ lookupds: [] }, []), [])
})
