import type { ComponentChildren } from 'preact'
import type { Numbers } from '../../live-types.ts'
import { compact, count, large, rate } from '../format.ts'
import { Tile, Tiles } from './tiles.tsx'

interface NumbersTilesProps {
  label: string
  numbers: Numbers
  growing: boolean
  /** Below the rate out: of what. */
  outNote?: string
  /** More of them. */
  children?: ComponentChildren
}

/** The numbers of one topic or channel. */
export function NumbersTiles({ label, numbers, growing, outNote, children }: NumbersTilesProps) {
  const { depth, backendDepth, inFlight, deferred, messages, requeued, timedOut, rateIn, rateOut, clients } =
    numbers
  const { refused, dropped, expired } = numbers
  return (
    <Tiles label={label}>
      <Tile
        label="Depth"
        value={large(depth)}
        note={backendDepth > 0 ? `${compact(backendDepth)} on disk` : growing ? 'growing' : ''}
        tone={growing ? 'bad' : undefined}
      />
      <Tile label="In flight" value={large(inFlight)} />
      <Tile label="Deferred" value={large(deferred)} />
      <Tile label="In" value={rate(rateIn)} unit="/s" note={`${large(messages)} in all`} />
      <Tile label="Out" value={rate(rateOut)} unit="/s" note={outNote} />
      <Tile label="Requeued" value={large(requeued)} note={`${count(timedOut)} timed out`} />
      <Tile label="Clients" value={large(clients)} note={clients === 0 ? 'nobody reads' : ''} />
      {refused > 0 && <Tile label="Refused" value={large(refused)} note="too many wait" tone="warn" />}
      {dropped > 0 && <Tile label="Dropped" value={large(dropped)} note="too many waited" tone="warn" />}
      {expired > 0 && <Tile label="Expired" value={large(expired)} note="waited too long" tone="warn" />}
      {children}
    </Tiles>
  )
}
