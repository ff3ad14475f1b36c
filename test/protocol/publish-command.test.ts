import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChunkPool } from '../../src/protocol/chunk-pool.ts'
import { dpub, mpub, pub } from '../../src/protocol/command.ts'
import { PublishCommand } from '../../src/protocol/publish-command.ts'

function build(bodies: readonly (Buffer | string)[], delayMs = 0): Buffer {
  const command = new PublishCommand('topic', delayMs, new ChunkPool())
  let size = 4
  for (const body of bodies) {
    assert.equal(command.add(body), Buffer.byteLength(body))
    size += 4 + Buffer.byteLength(body)
  }
  assert.equal(command.size, size)
  assert.equal(command.count, bodies.length)
  return Buffer.concat(command.end())
}

const LENGTHS = [1, 2, 3, 511, 512, 682, 683, 2047, 2048, 2049, 16_384, 65_535, 65_536, 200_000]

test('one message is a PUB', () => {
  for (const length of LENGTHS) {
    const bytes = Buffer.alloc(length, 'b')
    assert.deepEqual(build([bytes]), pub('topic', bytes), `bytes, ${length}`)
    assert.deepEqual(build(['x'.repeat(length)]), pub('topic', 'x'.repeat(length)), `text, ${length}`)
    assert.deepEqual(build(['é'.repeat(length)]), pub('topic', 'é'.repeat(length)), `é, ${length}`)
    assert.deepEqual(build(['\u{1f600}'.repeat(length)]), pub('topic', '\u{1f600}'.repeat(length)))
  }
})

test('with a delay it is a DPUB', () => {
  for (const length of LENGTHS) {
    const body = Buffer.alloc(length, 'b')
    assert.deepEqual(build([body], 1500), dpub('topic', 1500, body))
  }
})

test('several are an MPUB, whatever their lengths and kinds', () => {
  assert.deepEqual(build(['a', Buffer.from('b'), 'ü']), mpub('topic', ['a', 'b', 'ü']))
  // Lengths that end a chunk one byte early, exactly, and one byte late come about somewhere in here.
  let seed = 1
  const random = (below: number): number => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0
    return Math.floor((seed / 2 ** 32) * below)
  }
  for (let round = 0; round < 200; round++) {
    const bodies = Array.from({ length: 2 + random(60) }, () => {
      const length = 1 + random(random(4) === 0 ? 5000 : 200)
      const kind = random(3)
      if (kind === 0) return Buffer.alloc(length, random(256))
      return (kind === 1 ? 'z' : '€').repeat(length)
    })
    assert.ok(build(bodies).equals(mpub('topic', bodies)), `round ${round}`)
  }
})

test('many small messages do not waste much, nor does one', () => {
  const one = new PublishCommand('topic', 0, new ChunkPool())
  one.add('x'.repeat(100))
  const [part] = one.end()
  assert.ok(part !== undefined && part.buffer.byteLength <= Buffer.poolSize)
  const many = new PublishCommand('topic', 0, new ChunkPool())
  for (let i = 0; i < 2000; i++) many.add('x'.repeat(100))
  const held = new Set(many.end().map(bytes => bytes.buffer))
  const bytes = [...held].reduce((sum, buffer) => sum + buffer.byteLength, 0)
  assert.ok(bytes < 1.5 * many.size + Buffer.poolSize, `${bytes} bytes are held for ${many.size}`)
})

test('what a command has given back, the next one is made of', () => {
  const pool = new ChunkPool()
  const held = new Set<ArrayBufferLike>()
  const bodies = Array.from({ length: 500 }, (_, i) => Buffer.alloc(200, i))
  for (let round = 0; round < 10; round++) {
    const command = new PublishCommand('topic', 0, pool)
    for (const body of bodies) command.add(body)
    const parts = command.end()
    assert.ok(Buffer.concat(parts).equals(mpub('topic', bodies)), `round ${round}`)
    for (const { buffer } of parts) if (buffer.byteLength > Buffer.poolSize) held.add(buffer)
    command.release()
  }
  assert.ok(held.size <= 3, `${held.size} chunks`)
})
