import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { xxh64 } from '../../src/archive/xxh64.ts'

/** The bytes that the reference's own self-test uses: https://github.com/Cyan4973/xxHash/tree/dev/tests */
function sample(length: number): Buffer {
  const bytes = Buffer.alloc(length)
  let generator = 2_654_435_761n
  for (let i = 0; i < length; i++) {
    bytes[i] = Number(generator >> 56n)
    generator = BigInt.asUintN(64, generator * 11_400_714_785_074_694_797n)
  }
  return bytes
}

describe('xxh64', () => {
  const known: [bytes: Buffer, hash: bigint][] = [
    [Buffer.alloc(0), 0xef46db3751d8e999n],
    [Buffer.from('a'), 0xd24ec4f1a98c6e5bn],
    [Buffer.from('abc'), 0x44bc2cf5ad770999n],
    [Buffer.from('Nobody inspects the spammish repetition'), 0xfbcea83c8a378bf1n],
    [sample(1), 0xe934a84adb052768n],
    [sample(4), 0x9136a0dca57457een],
    [sample(14), 0x8282dcc4994e35c8n],
    [sample(222), 0xb641ae8cb691c174n],
  ]
  for (const [bytes, hash] of known) {
    test(`of ${bytes.length} bytes`, () => assert.equal(xxh64(bytes).toString(16), hash.toString(16)))
  }

  test('of a part of a buffer', () => {
    const bytes = sample(100)
    assert.equal(xxh64(bytes.subarray(3, 80)), xxh64(Buffer.from(bytes.subarray(3, 80))))
  })
})
