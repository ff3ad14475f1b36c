/** The lines about forward, as data. Each is a table. */
import type { Aims } from '../finding.ts'

export interface ForwardLine {
  readonly name: string
  readonly what: string
  /** Messages in a request. */
  readonly batch: number
  readonly flags: readonly string[]
  /** The same for nsq_to_http; undefined where that has nothing like it. */
  readonly officialFlags?: readonly string[]
  /** Messages of the backlog. */
  readonly messages: number
  readonly aims?: Aims
}

export interface ForwardSetting {
  readonly forward: 'ours' | 'official' | 'bare'
}

/** Messages in flight: the most that nsqd sends ahead over one connection, and with one a request the official default. */
export const READY = 2500
export const READY_ALONE = 200

const BATCH = 100

export const FORWARD_LINES: readonly ForwardLine[] = [
  {
    name: 'forward-lines',
    what: 'forward: 100 × 200 B a request, lines',
    batch: BATCH,
    flags: ['--batch-format=lines'],
    messages: 600_000,
    aims: { ours: 200_000 },
  },
  {
    name: 'forward-ndjson',
    what: 'forward: 100 × 200 B a request, NDJSON',
    batch: BATCH,
    flags: ['--batch-format=ndjson'],
    messages: 600_000,
    aims: { ours: 200_000 },
  },
  {
    name: 'forward-json',
    what: 'forward: 100 × 200 B a request, a JSON array',
    batch: BATCH,
    flags: ['--batch-format=json'],
    messages: 600_000,
    aims: { ours: 200_000 },
  },
  {
    name: 'forward-single',
    what: 'forward: 200 B a request',
    batch: 1,
    flags: [],
    officialFlags: [],
    messages: 50_000,
  },
]
