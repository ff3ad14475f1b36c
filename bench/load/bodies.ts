/** How many differ; the next one is the first again. More than the window of a compression takes in. */
const KINDS = 1000

/**
 * Bodies as they are in life, as far as compression goes: small JSON objects, alike and not the same. Always the same
 * ones.
 */
export function createBodies(count: number, length: number): Buffer[] {
  const bodies = Array.from({ length: Math.min(count, KINDS) }, (_, i) => {
    const head = `{"id":"${hash(i)}","at":${1_700_000_000_000 + hash(i + KINDS)},"kind":"page.view","path":"`
    const tail = `","status":${200 + (i % 5)},"ms":${hash(i) % 1000}}`
    const words = Array.from({ length: Math.ceil(length / 5) }, (_, j) => hash(i * length + j).toString(36))
    const path = `/${words.join('/')}`
    const text = head + path.slice(0, Math.max(0, length - head.length - tail.length)) + tail
    return Buffer.from(text.slice(0, length).padEnd(length))
  })
  return Array.from({ length: count }, (_, i) => bodies[i % KINDS] ?? Buffer.alloc(length))
}

/** Looks random, and is not. */
function hash(n: number): number {
  return Math.imul(n + 1, 2_654_435_761) >>> 0
}
