import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { select } from '../../../src/cli/stat/selection.ts'

describe('selection', () => {
  test('without names it is all', () => {
    const { topic, channel, allChannels, only } = select([], [])
    assert.ok(topic('anything') && channel('anything') && allChannels)
    assert.deepEqual(only, {})
  })

  test('names are taken as they are, patterns for whole names', () => {
    const { topic, channel } = select(['orders', 'a.b*', 'x?'], ['*#ephemeral'])
    assert.deepEqual(['orders', 'orders2', 'a.b', 'a.bc', 'aXb', 'x1', 'x', 'x12'].filter(topic), [
      'orders',
      'a.b',
      'a.bc',
      'x1',
    ])
    assert.deepEqual(['tail#ephemeral', 'ephemeral'].filter(channel), ['tail#ephemeral'])
  })

  test('nsqd is asked for one topic and one channel alone', () => {
    assert.deepEqual(select(['t'], ['c']).only, { topic: 't', channel: 'c' })
    assert.deepEqual(select(['t', 'u'], ['c*']).only, {})
    assert.deepEqual(select(['t*'], ['c']).only, { channel: 'c' })
  })

  test('what was named without a pattern should be there', () => {
    assert.deepEqual(select(['t', 'u*'], ['c', '?']).named, { topics: ['t'], channels: ['c'] })
  })
})
