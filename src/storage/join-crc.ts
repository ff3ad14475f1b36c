/**
 * The CRC-32 of two stretches that lie one behind the other, from theirs. A CRC is a remainder of polynomials over one bit:
 * that of the first is multiplied by x once for each bit of the second, and the second's added.
 */

import { LINE_BYTES } from './segment.ts'

/** What CRC-32 divides by. The highest bit is that of x⁰, here and in all numbers. */
const DIVISOR = 0xedb88320 | 0
const ONE = 1 << 31
/** Of a length, the lower bits, and the others. */
const LOW_BITS = 10
const LOW_COUNT = 1 << LOW_BITS

/** The longest second stretch: all that one line of an index may stand for, unless it is a single message. */
export const LONGEST_SECOND: number = LINE_BYTES

/** x to the bits of as many bytes as the place in the list says; and of so many times LOW_COUNT bytes. */
const LOW = powers(timesByte(ONE), LOW_COUNT)
const HIGH = powers(timesByte(LOW[LOW_COUNT - 1] ?? 0), (LONGEST_SECOND >> LOW_BITS) + 1)

/** `length`: of the second, at most LONGEST_SECOND bytes. The CRC is a signed number. */
export function joinCrc(first: number, second: number, length: number): number {
  if (first === 0) return second | 0
  let product = multiply(first, LOW[length & (LOW_COUNT - 1)] ?? 0)
  if (length >= LOW_COUNT) product = multiply(product, HIGH[length >> LOW_BITS] ?? 0)
  return product ^ second
}

function multiply(a: number, b: number): number {
  let product = 0
  let left = a
  let term = b
  for (let bit = 0; bit < 32; bit++) {
    // Without branches, which nobody could foretell.
    product ^= term & (left >> 31)
    left <<= 1
    term = timesX(term)
  }
  return product
}

function timesX(value: number): number {
  return (value >>> 1) ^ (DIVISOR & -(value & 1))
}

function timesByte(value: number): number {
  let product = value
  for (let bit = 0; bit < 8; bit++) product = timesX(product)
  return product
}

function powers(base: number, count: number): Int32Array {
  const list = new Int32Array(count)
  let power = ONE
  for (let i = 0; i < count; i++) {
    list[i] = power
    power = multiply(power, base)
  }
  return list
}
