/** How long a command takes to begin, as data. */

export interface StartLine {
  readonly name: string
  readonly what: string
  readonly args: readonly string[]
  /** Until it has ended, or until the first line that it prints. */
  readonly until: 'end' | 'line'
  /** Wanted: so many times what Node alone takes, or so many ms. */
  readonly aim: { readonly times: number } | { readonly ms: number }
}

export const START_LINES: readonly StartLine[] = [
  {
    name: 'start-version',
    what: 'nsq-ts --version',
    args: ['--version'],
    until: 'end',
    aim: { times: 1.5 },
  },
  {
    name: 'start-help',
    what: 'nsq-ts tail --help',
    args: ['tail', '--help'],
    until: 'end',
    aim: { times: 2 },
  },
  { name: 'start-dev', what: 'nsq-ts dev, ready', args: ['dev', '--json'], until: 'line', aim: { ms: 700 } },
]
