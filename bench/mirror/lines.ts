/** The lines about mirror, as data. Each is a table. */
import type { Aims } from '../finding.ts'

export interface MirrorLine {
  readonly name: string
  readonly what: string
  readonly flags: readonly string[]
  /** The same for nsq_to_nsq; undefined where that has nothing like it. */
  readonly officialFlags?: readonly string[]
  /** A module for --map. */
  readonly map?: string
  readonly aims?: Aims
}

export interface MirrorSetting {
  readonly mirror: 'ours' | 'official' | 'bare'
  readonly maxInFlight: number
}

/** Messages of the backlog. */
export const MIRROR_MESSAGES = 600_000
export const IN_FLIGHT = [200, 2500]

export const MIRROR_LINES: readonly MirrorLine[] = [
  { name: 'mirror-plain', what: 'mirror: 200 B', flags: [], officialFlags: [], aims: { ours: 200_000 } },
  {
    name: 'mirror-json',
    what: 'mirror: JSON of 200 B, one field of it',
    flags: ['--require-json-field=id', '--whitelist-json-field=id'],
    officialFlags: ['--require-json-field=id', '--whitelist-json-field=id'],
  },
  {
    name: 'mirror-map',
    what: 'mirror: 200 B, a module for --map',
    flags: [],
    map: 'export default message => message.body.subarray(100)',
  },
]
