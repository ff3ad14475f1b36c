/** How long nsqd takes to be there again, as data. */
import type { Aims } from '../finding.ts'
import type { NamedLine } from '../family.ts'

/** What lies on the disk at the start. */
export interface Backlog {
  readonly what: string
  readonly topics: number
  /** Of each topic. */
  readonly channels: number
  /** In each topic. */
  readonly messages: number
  /** `half consumed`: of every hundred messages one was put back for an hour. `deferred`: all of them, for as long. */
  readonly state: 'waiting' | 'half consumed' | 'deferred'
}

export interface RestartLine extends NamedLine {
  readonly what: string
  readonly signal: 'SIGTERM' | 'SIGKILL'
  /** The first is the one that the line is about. */
  readonly backlogs: readonly Backlog[]
  readonly aims: Aims
}

const ONE = { topics: 1, channels: 1, state: 'waiting' } as const

const BACKLOGS: readonly Backlog[] = [
  { ...ONE, what: '10 M messages', messages: 10_000_000 },
  { ...ONE, what: '1 M messages', messages: 1_000_000 },
  { ...ONE, what: '100 k messages', messages: 100_000 },
  { ...ONE, what: '1 M messages, half consumed, with holes', messages: 1_000_000, state: 'half consumed' },
  { ...ONE, what: '100 k deferred messages', messages: 100_000, state: 'deferred' },
  { ...ONE, what: '20 topics, 400 k messages each', topics: 20, messages: 400_000 },
  {
    ...ONE,
    what: '1,000 topics × 3 channels, 1,000 messages each',
    topics: 1000,
    channels: 3,
    messages: 1000,
  },
]

/** Wanted milliseconds until it answers, whatever waits. */
const AIMS: Aims = { ours: 2000 }

export const RESTART_LINES: readonly RestartLine[] = [
  {
    name: 'restart-clean',
    what: 'nsqd again after SIGTERM, 10 M × 200 B waiting',
    signal: 'SIGTERM',
    backlogs: BACKLOGS,
    aims: AIMS,
  },
  {
    name: 'restart-killed',
    what: 'nsqd again after SIGKILL, 10 M × 200 B waiting',
    signal: 'SIGKILL',
    backlogs: BACKLOGS,
    aims: AIMS,
  },
]
