import assert from 'node:assert/strict'

/** Set SEED to repeat a run that failed; the seed is in the message of the failure. */
const SEED = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const RANDOM_SPLITS = 200

/** A small seeded generator (mulberry32): numbers from 0 to below 1. */
export function random(seed: number = SEED): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The bytes in buffers of their own, cut at the given places. */
export function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const bounds = [0, ...places, bytes.length]
  return bounds.slice(1).map((end, i) => Buffer.from(bytes.subarray(bounds[i], end)))
}

/** Runs `read` on the bytes whole, byte by byte and cut at random, and expects the same of it every time. */
export function readsHoweverCut(bytes: Buffer, read: (chunks: Buffer[]) => unknown, expected: unknown): void {
  assert.deepEqual(read([bytes]), expected, 'whole')
  const everywhere = Array.from({ length: Math.max(bytes.length - 1, 0) }, (_, i) => i + 1)
  assert.deepEqual(read(cut(bytes, everywhere)), expected, 'byte by byte')

  const next = random()
  for (let i = 0; i < RANDOM_SPLITS; i++) {
    const density = next() ** 3
    const places = everywhere.filter(() => next() < density)
    assert.deepEqual(read(cut(bytes, places)), expected, `SEED=${SEED}, cut at ${places.join(' ')}`)
  }
}

/** Bytes from a text in which every character is a byte. */
export function latin1(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
