import { useState } from 'preact/hooks'
import { bytes as size } from '../format.ts'
import { hexRows } from './hex.ts'

/** Bytes that are shown at first. */
const ROOM = 1024

export function HexView({ bytes }: { bytes: Uint8Array }) {
  const [room, setRoom] = useState(ROOM)
  const left = bytes.length - room
  return (
    <div class="hex">
      <pre>
        {hexRows(bytes, 0, room).map(({ offset, hex, ascii }) => (
          <div key={offset}>
            <span class="hex-offset">{offset}</span>
            {`  ${hex.padEnd(48)}  `}
            <span class="hex-ascii">{ascii}</span>
          </div>
        ))}
      </pre>
      {left > 0 && (
        <button type="button" class="more" onClick={() => setRoom(room * 8)}>
          {left > room * 7 ? size(room * 7) : size(left)} more
        </button>
      )}
    </div>
  )
}
