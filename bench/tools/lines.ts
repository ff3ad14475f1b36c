/** What pub and tail are measured in, as data. */
import type { Aims } from '../finding.ts'

/** Ours, the official tool, or the least that does as much. */
export type ToolBy = 'ours' | 'official' | 'bare'

export interface PubSetting {
  readonly tool: 'pub'
  readonly by: ToolBy
  /** What its standard input is. */
  readonly input: 'file' | 'pipe'
}

export interface TailSetting {
  readonly tool: 'tail'
  readonly by: ToolBy
  readonly maxInFlight: number
}

export type ToolSetting = PubSetting | TailSetting

export interface ToolLine {
  readonly name: string
  readonly what: string
  /** The first of each of those compared is what the aim is about. */
  readonly settings: readonly ToolSetting[]
  readonly aims: Aims
}

export const TOOL_BODY_LENGTH = 190
export const TOOL_MESSAGES = 300_000

const BY: readonly ToolBy[] = ['ours', 'official', 'bare']
/** What tail has unless it is told otherwise, as nsq_tail; and what nsqd lets it have. */
const IN_FLIGHT = [200, 2500]

export const TOOL_LINES: readonly ToolLine[] = [
  {
    name: 'tool-pub',
    what: 'pub: lines of a file',
    settings: [
      ...BY.map(by => ({ tool: 'pub' as const, by, input: 'file' as const })),
      { tool: 'pub', by: 'ours', input: 'pipe' },
    ],
    aims: { ours: 500_000 },
  },
  {
    name: 'tool-tail',
    what: 'tail: waiting messages, to a file',
    settings: BY.flatMap(by => IN_FLIGHT.map(maxInFlight => ({ tool: 'tail' as const, by, maxInFlight }))),
    aims: { ours: 400_000 },
  },
]
