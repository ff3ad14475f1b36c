import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crc32c } from '../../src/protocol/crc32c.ts'
import { random } from './splits.ts'

/** Bit by bit, as the definition has it. */
function slowly(bytes: Buffer): number {
  let crc = 0xffffffff
  for (const byte of bytes) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1
  }
  return ~crc >>> 0
}

test('known checksums (RFC 3720, B.4)', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283)
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa)
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43)
  const upwards = Buffer.from(Array.from({ length: 32 }, (_, i) => i))
  assert.equal(crc32c(upwards), 0x46dd794e)
  assert.equal(crc32c(upwards.reverse()), 0x113fdb5c)
  assert.equal(crc32c(Buffer.alloc(0)), 0)
})

test('every length, wherever the bytes begin in memory', () => {
  const next = random()
  const memory = Buffer.from(Array.from({ length: 200 }, () => next() * 256))
  for (let length = 0; length < 100; length++) {
    const bytes = memory.subarray(length % 17, (length % 17) + length)
    assert.equal(crc32c(bytes), slowly(bytes), `${length} bytes`)
  }
})
