import assert from 'node:assert/strict'
import { Writable } from 'node:stream'
import { describe, test } from 'node:test'
import { colourLevel } from '../../src/cli/colour.ts'
import { Output } from '../../src/cli/output.ts'
import { formatBytes, formatCount, plural } from '../../src/cli/units.ts'

describe('colourLevel', () => {
  const terminal = { isTTY: true, getColorDepth: () => 8 }
  const cases: [name: string, stream: { isTTY?: boolean }, env: Record<string, string>, level: number][] = [
    ['a terminal', terminal, {}, 2],
    ['a pipe', {}, {}, 0],
    ['NO_COLOR', terminal, { NO_COLOR: '1' }, 0],
    ['an empty NO_COLOR', terminal, { NO_COLOR: '' }, 2],
    ['TERM=dumb', terminal, { TERM: 'dumb' }, 0],
    ['FORCE_COLOR in a pipe', {}, { FORCE_COLOR: '1' }, 1],
    ['FORCE_COLOR=3', {}, { FORCE_COLOR: '3', NO_COLOR: '1' }, 3],
    ['FORCE_COLOR=0', terminal, { FORCE_COLOR: '0' }, 0],
  ]
  for (const [name, stream, env, level] of cases) {
    test(name, () => assert.equal(colourLevel(stream, env), level))
  }
})

describe('Output', () => {
  test('tells when its reader has gone, once, and writes nothing more', async () => {
    const gone = Object.assign(new Error('write EPIPE'), { code: 'EPIPE' })
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(gone) })
    const output = new Output(stream, {})
    let calls = 0
    output.onBroken(() => calls++)
    assert.equal(await output.write('a'), false)
    await new Promise(resolve => setImmediate(resolve))
    assert.equal(await output.write('b'), false)
    assert.equal(output.broken, true)
    assert.equal(calls, 1)
    await output.drained()
    assert.equal(output.failure, undefined)
  })

  test('keeps why it cannot write, when the reader is not to blame', async () => {
    const full = Object.assign(new Error('write ENOSPC'), { code: 'ENOSPC' })
    const output = new Output(new Writable({ write: (_chunk, _encoding, done) => done(full) }), {})
    output.line('a')
    await output.drained()
    assert.equal(output.failure, full)
  })

  test('is a terminal also where nothing can be redrawn', () => {
    const output = new Output(Object.assign(new Writable(), { isTTY: true }), { TERM: 'dumb' })
    assert.equal(output.isTerminal, true)
    assert.equal(output.canRedraw, false)
    const wide = new Output(Object.assign(new Writable(), { isTTY: true, columns: 80 }), {})
    assert.equal(wide.canRedraw, true)
    const none = new Output(Object.assign(new Writable(), { isTTY: true, columns: 0 }), {})
    assert.equal(none.canRedraw, false)
    const builds = new Output(Object.assign(new Writable(), { isTTY: true, columns: 80 }), { CI: 'true' })
    assert.equal(builds.canRedraw, false)
  })

  test('waits until everything has left', async () => {
    const taken: string[] = []
    const stream = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        taken.push(chunk.toString())
        setTimeout(done, 5)
      },
    })
    const output = new Output(stream, {})
    output.line('a')
    output.line('b')
    await output.drained()
    assert.equal(taken.join(''), 'a\nb\n')
    assert.equal(output.isTerminal, false)
  })
})

test('numbers for people', () => {
  assert.equal(formatCount(1_234_567), '1,234,567')
  assert.deepEqual([0, 999, 1000, 99_999.6, -123, -1234].map(formatCount), [
    '0',
    '999',
    '1,000',
    '100,000',
    '-123',
    '-1,234',
  ])
  assert.equal(formatBytes(0), '0 B')
  assert.equal(formatBytes(999), '999 B')
  assert.equal(formatBytes(1234), '1.2 kB')
  assert.equal(formatBytes(123_456_789), '123 MB')
  assert.equal(formatBytes(999_999), '1.0 MB')
  assert.equal(plural(1, 'message'), '1 message')
  assert.equal(plural(2000, 'message'), '2,000 messages')
})
