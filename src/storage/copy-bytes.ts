/** Below this length a loop is quicker than the call into native code. */
const SHORT = 24

/** Copies source[start..end) to target[at..). */
export function copyBytes(source: Buffer, start: number, end: number, target: Buffer, at: number): void {
  if (end - start > SHORT) {
    source.copy(target, at, start, end)
    return
  }
  for (let from = start, to = at; from < end; from++, to++) target.writeUInt8(source.readUInt8(from), to)
}
