/**
 * XXH64, of which zstd frames have the low half as their checksum.
 *
 * See https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */

const PRIME_1 = 0x9e3779b185ebca87n
const PRIME_2 = 0xc2b2ae3d27d4eb4fn
const PRIME_3 = 0x165667b19e3779f9n
const PRIME_4 = 0x85ebca77c2b2ae63n
const PRIME_5 = 0x27d4eb2f165667c5n

const STRIPE = 32
const LANES = [PRIME_1 + PRIME_2, PRIME_2, 0n, -PRIME_1] as const
const LANE_ROTATIONS = [1n, 7n, 12n, 18n] as const

/** The hash of these bytes with seed 0. */
export function xxh64(bytes: Buffer): bigint {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const stripes = bytes.length - (bytes.length % STRIPE)
  let hash = PRIME_5
  if (stripes > 0) {
    const lanes = LANES.map((start, lane) => laneOf(view, lane * 8, stripes, wrap(start)))
    hash = lanes.reduce((sum, lane, index) => sum + rotate(lane, LANE_ROTATIONS[index] ?? 0n), 0n)
    for (const lane of lanes) hash = wrap((hash ^ mixed(lane)) * PRIME_1 + PRIME_4)
  }
  hash = wrap(hash + BigInt(bytes.length))
  let at = stripes
  for (; at + 8 <= bytes.length; at += 8) {
    hash = wrap(rotate(hash ^ mixed(view.getBigUint64(at, true)), 27n) * PRIME_1 + PRIME_4)
  }
  if (at + 4 <= bytes.length) {
    hash = wrap(rotate(hash ^ wrap(BigInt(view.getUint32(at, true)) * PRIME_1), 23n) * PRIME_2 + PRIME_3)
    at += 4
  }
  for (; at < bytes.length; at++) {
    hash = wrap(rotate(hash ^ wrap(BigInt(view.getUint8(at)) * PRIME_5), 11n) * PRIME_1)
  }
  hash = wrap((hash ^ (hash >> 33n)) * PRIME_2)
  hash = wrap((hash ^ (hash >> 29n)) * PRIME_3)
  return hash ^ (hash >> 32n)
}

function wrap(value: bigint): bigint {
  return BigInt.asUintN(64, value)
}

function rotate(value: bigint, bits: bigint): bigint {
  return wrap(value << bits) | (wrap(value) >> (64n - bits))
}

function mixed(value: bigint): bigint {
  return wrap(rotate(value * PRIME_2, 31n) * PRIME_1)
}

// The loop over all bytes counts with halves of 32 bits, as numbers of 64 are a hundred times slower. The low halves of
// the primes are split again: only products of 16 bits are whole.

const P1_HIGH = Number(PRIME_1 >> 32n) | 0
const P1_LOW = Number(PRIME_1 & 0xffffffffn) | 0
const P1_LOW_1 = P1_LOW >>> 16
const P1_LOW_0 = P1_LOW & 0xffff
const P2_HIGH = Number(PRIME_2 >> 32n) | 0
const P2_LOW = Number(PRIME_2 & 0xffffffffn) | 0
const P2_LOW_1 = P2_LOW >>> 16
const P2_LOW_0 = P2_LOW & 0xffff

/** One lane over all stripes: `lane = rotate(lane + input * PRIME_2, 31) * PRIME_1`. */
function laneOf(view: DataView, from: number, end: number, start: bigint): bigint {
  let high = Number(start >> 32n) | 0
  let low = Number(start & 0xffffffffn) | 0
  for (let at = from; at < end; at += STRIPE) {
    const inputLow = view.getInt32(at, true)
    const inputHigh = view.getInt32(at + 4, true)
    const product = Math.imul(inputLow, P2_LOW)
    const productHigh =
      (upperHalf(inputLow, P2_LOW_1, P2_LOW_0) +
        Math.imul(inputLow, P2_HIGH) +
        Math.imul(inputHigh, P2_LOW)) |
      0
    const sum = (low + product) | 0
    const sumHigh = (high + productHigh + (sum >>> 0 < product >>> 0 ? 1 : 0)) | 0
    const turned = (sum << 31) | (sumHigh >>> 1)
    const turnedHigh = (sumHigh << 31) | (sum >>> 1)
    low = Math.imul(turned, P1_LOW)
    high =
      (upperHalf(turned, P1_LOW_1, P1_LOW_0) + Math.imul(turned, P1_HIGH) + Math.imul(turnedHigh, P1_LOW)) | 0
  }
  return (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0)
}

/** The upper 32 bits of `value * (b1 * 65536 + b0)`, all unsigned. */
function upperHalf(value: number, b1: number, b0: number): number {
  const a1 = value >>> 16
  const a0 = value & 0xffff
  const cross = Math.imul(a1, b0)
  const otherCross = Math.imul(a0, b1)
  const carry = (Math.imul(a0, b0) >>> 16) + (cross & 0xffff) + (otherCross & 0xffff)
  return Math.imul(a1, b1) + (cross >>> 16) + (otherCross >>> 16) + (carry >>> 16)
}
