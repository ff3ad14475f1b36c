import { CHUNK_BYTES } from './chunks.ts'

/** Small buffers next to each other become one, so that each member that is made of one is worth its while. */
export function groups(buffers: readonly Buffer[]): Buffer[] {
  const all: Buffer[] = []
  let group: Buffer[] = []
  let bytes = 0
  const close = (): void => {
    const [first] = group
    if (first !== undefined) all.push(group.length === 1 ? first : Buffer.concat(group, bytes))
    group = []
    bytes = 0
  }
  for (const buffer of buffers) {
    if (bytes + buffer.length > CHUNK_BYTES) close()
    group.push(buffer)
    bytes += buffer.length
  }
  close()
  return all
}
