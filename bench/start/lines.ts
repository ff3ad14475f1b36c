/** How long a command takes to begin, as data. */
import type { Aims } from '../finding.ts'

export interface StartLine {
  readonly name: string
  readonly what: string
  readonly args: readonly string[]
  /** Until it has ended, or until the first line that it prints. */
  readonly until: 'end' | 'line'
  /** The ceiling is `node -e 0`. */
  readonly aims: Aims
}

export const START_LINES: readonly StartLine[] = [
  {
    name: 'start-version',
    what: 'nsq-ts --version',
    args: ['--version'],
    until: 'end',
    aims: { ofCeiling: 1 / 1.5 },
  },
  {
    name: 'start-help',
    what: 'nsq-ts tail --help',
    args: ['tail', '--help'],
    until: 'end',
    aims: { ofCeiling: 1 / 2 },
  },
  {
    name: 'start-dev',
    what: 'nsq-ts dev, ready',
    args: ['dev', '--json'],
    until: 'line',
    aims: { ours: 700 },
  },
]
