import { commands } from '../src/cli/commands.ts'

const HEAD = `.\\" Made from the definitions in src/cli by "node --import tsx scripts/docs.ts". Do not edit.
.TH NSQ\\-TS 1 "" "nsq\\-ts" "User Commands"
.SH NAME
nsq\\-ts \\- NSQ in one command: a local cluster, its daemons, and tools for any NSQ cluster
.SH SYNOPSIS
.B nsq\\-ts
.I COMMAND
.RI [ flags ]
.SH DESCRIPTION
.B nsq\\-ts
starts a local NSQ for development, runs its daemons, and publishes and prints messages on any NSQ cluster.
Flags take one dash or two.
.B nsq\\-ts
.I COMMAND
.B \\-\\-help
shows those of a command, with examples.
.SH COMMANDS
`

const TAIL = `.SH EXIT STATUS
.TP
.B 0
Done.
.TP
.B 1
Failed; stderr says why.
.TP
.B 2
The command line cannot be understood.
.TP
.BR 130 ", " 143
Ended at once by a second SIGINT or SIGTERM.
.SH ENVIRONMENT
.TP
.B NSQ_*
Nearly every flag can be set here: \\-\\-nsqd\\-tcp\\-address is NSQ_NSQD_TCP_ADDRESS.
.TP
.BR NO_COLOR ", " FORCE_COLOR
Switch colours off or on.
`

/** The text of man/nsq-ts.1, in man(7). */
export async function manPage(): Promise<string> {
  let list = ''
  let examples = '.SH EXAMPLES\n'
  for (const entry of commands) {
    const { examples: own } = await entry.load()
    list += `.TP\n.B ${roff(entry.name)}\n${roff(entry.summary)}.\n`
    const [first] = own
    if (first !== undefined) examples += `.TP\n.B ${roff(first.command)}\n${roff(first.describe)}\n`
  }
  return HEAD + list + examples + TAIL
}

/** Text of ours, so that no character of it means something to roff; a hyphen stays one that can be copied. */
function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replaceAll("'", '\\(aq').replace(/^\./, '\\&.')
}
