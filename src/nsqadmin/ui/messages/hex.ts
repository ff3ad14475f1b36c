/** Bytes as people read them: an offset, sixteen bytes in two groups, and what of them is ASCII. */
export interface HexRow {
  offset: string
  hex: string
  ascii: string
}

/** Bytes in a row. */
export const HEX_ROW = 16

/** The rows of `bytes` from `start` (a multiple of 16) to `end`, as `hexdump -C` writes them. */
export function hexRows(bytes: Uint8Array, start: number, end: number): HexRow[] {
  const rows: HexRow[] = []
  for (let at = start; at < Math.min(end, bytes.length); at += HEX_ROW) {
    const row = bytes.subarray(at, at + HEX_ROW)
    rows.push({ offset: at.toString(16).padStart(8, '0'), hex: hexOf(row), ascii: asciiOf(row) })
  }
  return rows
}

/** All of it as text, for the clipboard. */
export function hexDump(bytes: Uint8Array): string {
  return hexRows(bytes, 0, bytes.length)
    .map(({ offset, hex, ascii }) => `${offset}  ${hex.padEnd(48)}  |${ascii}|`)
    .join('\n')
}

function hexOf(row: Uint8Array): string {
  let text = ''
  for (let i = 0; i < row.length; i++) {
    text += `${i === 0 ? '' : i === 8 ? '  ' : ' '}${(row[i] ?? 0).toString(16).padStart(2, '0')}`
  }
  return text
}

function asciiOf(row: Uint8Array): string {
  let text = ''
  for (const byte of row) text += byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : '.'
  return text
}
