import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PubCounts } from '../../src/nsqd/pub-counts.ts'

interface Fake {
  readonly name: string
  closed: boolean
}

function fake(name: string): Fake {
  return { name, closed: false }
}

test('counts by topic, also over one that is deleted and made again', () => {
  const counts = new PubCounts<Fake>()
  counts.of(fake('a')).count += 2
  counts.of(fake('b')).count += 1
  counts.of(fake('a')).count += 3
  assert.deepEqual(
    [...counts.all],
    [
      ['a', 5],
      ['b', 1],
    ],
  )
})

test('forgets topics that are gone, and no others', () => {
  const counts = new PubCounts<Fake>()
  for (let i = 0; i < 100; i++) counts.of(fake(`stays-${i}`)).count++
  for (let i = 0; i < 10_000; i++) {
    const topic = fake(`goes-${i}`)
    counts.of(topic).count++
    topic.closed = true
    assert.ok(counts.all.size <= 256)
  }
  assert.equal([...counts.all.keys()].filter(name => name.startsWith('stays-')).length, 100)
})
