import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { deflateRawSync } from 'node:zlib'
import { Ledger } from '../../../src/cli/bench/ledger.ts'
import { numberOf, Payload } from '../../../src/cli/bench/payload.ts'
import { readWord } from '../../../src/protocol/words.ts'

const RUN = 0xfedc_ba98

/** The bodies of a PUB or MPUB. */
function bodies(command: Buffer): Buffer[] {
  const line = command.indexOf('\n')
  const size = readWord(command, line + 1)
  assert.equal(command.length, line + 5 + size)
  if (command.subarray(0, 4).toString() === 'PUB ') return [command.subarray(line + 5)]
  const found: Buffer[] = []
  for (let at = line + 9; at < command.length;) {
    const length = readWord(command, at)
    found.push(command.subarray(at + 4, at + 4 + length))
    at += 4 + length
  }
  assert.equal(found.length, readWord(command, line + 5))
  return found
}

describe('Payload', () => {
  for (const [size, batch] of [
    [8, 1],
    [200, 1],
    [8, 3],
    [201, 50],
  ] as const) {
    test(`numbers ${batch} of ${size} bytes, again and again`, () => {
      const payload = new Payload('topic', { size, batch }, RUN, 0)
      for (const first of [0, 12_345, 4_294_000_000]) {
        payload.number(first)
        const found = bodies(payload.command)
        assert.ok(found.every(({ length }) => length === size))
        assert.deepEqual(
          found.map(body => numberOf(body, 0, body.length, RUN)),
          Array.from({ length: batch }, (_, i) => first + i),
        )
      }
    })
  }

  test('messages of others are none of ours', () => {
    const payload = new Payload('topic', { size: 20, batch: 1 }, RUN, 0)
    const [body = Buffer.alloc(0)] = bodies(payload.command)
    assert.equal(numberOf(body, 0, body.length, RUN - 1), -1)
    assert.equal(numberOf(Buffer.from('short'), 0, 5, RUN), -1)
  })

  test('compresses as a log does: well, and not to nothing', () => {
    const all = Buffer.concat(
      Array.from({ length: 10 }, (_, seed) => new Payload('t', { size: 500, batch: 20 }, RUN, seed).command),
    )
    const ratio = all.length / deflateRawSync(all).length
    assert.ok(ratio > 1.5 && ratio < 6, String(ratio))
  })
})

describe('Ledger', () => {
  test('knows what is missing, and what came twice, in whatever order', () => {
    const ledger = new Ledger()
    ledger.acknowledge(100_000, 200)
    ledger.acknowledge(0, 64)
    // One that was not acknowledged may come all the same.
    assert.equal(ledger.receive(7_000_000), true)
    for (let number = 100_199; number >= 100_000; number--) assert.equal(ledger.receive(number), true)
    for (let number = 0; number < 64; number++) if (number !== 31 && number !== 32) ledger.receive(number)
    assert.equal(ledger.receive(5), false)
    assert.equal(ledger.acknowledged, 264)
    assert.equal(ledger.received, 263)
    assert.equal(ledger.duplicates, 1)
    assert.equal(ledger.missing, 2)
    ledger.receive(31)
    ledger.receive(32)
    assert.equal(ledger.missing, 0)
  })
})
