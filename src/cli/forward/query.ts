/** By byte: itself, or its escape, as Go's url.QueryEscape has it. */
const ESCAPES: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const letter = String.fromCharCode(byte)
  if (/[A-Za-z0-9_.~-]/.test(letter)) return letter
  return letter === ' ' ? '+' : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
})

/** Bytes as a part of a query: what is not a letter, a digit or one of `-_.~` as `%XX`, and a space as `+`. */
export function escapeQuery(bytes: Buffer): string {
  let text = ''
  for (const byte of bytes) text += ESCAPES[byte] ?? ''
  return text
}
