import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { joinCrc, LONGEST_SECOND } from '../../src/storage/join-crc.ts'
import { Random } from './random.ts'

describe('joinCrc', () => {
  test('is the CRC of both, whatever their lengths', () => {
    const bytes = new Random(1).bytes(3 * LONGEST_SECOND)
    for (const second of [0, 1, 2, 44, 234, 1023, 1024, 1025, 5000, LONGEST_SECOND - 1, LONGEST_SECOND]) {
      for (const first of [0, 1, 7, 234, LONGEST_SECOND, 2 * LONGEST_SECOND]) {
        const joined = joinCrc(
          crc32(bytes.subarray(0, first)),
          crc32(bytes.subarray(first, first + second)),
          second,
        )
        assert.equal(joined >>> 0, crc32(bytes.subarray(0, first + second)), `${first} and ${second} bytes`)
      }
    }
  })

  test('sees a bit that has changed in either', () => {
    const bytes = Buffer.alloc(300, 'message')
    const first = crc32(bytes.subarray(0, 100))
    const second = crc32(bytes.subarray(100))
    for (const [a, b] of [
      [first ^ 1, second],
      [first, second ^ 0x8000],
    ] as const) {
      assert.notEqual(joinCrc(a, b, 200) >>> 0, crc32(bytes))
    }
  })
})
