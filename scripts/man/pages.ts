import type { CommandEntry } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import { groupMembers, groupWord } from '../../src/cli/find-command.ts'
import { groupSummary } from '../../src/cli/help.ts'
import { commandPage } from './command-page.ts'
import { exitStatus } from './exit-status.ts'
import { type Page, pageText } from './page.ts'
import { bold, entry, italic, paragraph, prose, roff, section, verbatim } from './roff.ts'

/** Every man page, by the name of its file: one for nsq-ts, for each command, each group of them and each official name. */
export async function manPages(): Promise<Map<string, string>> {
  const pages = [mainPage(), ...groupPages(), ...(await Promise.all(commands.map(commandPages))).flat()]
  return new Map(pages.map(page => [`${page.name}.1`, pageText(page)]))
}

async function commandPages(named: CommandEntry): Promise<Page[]> {
  const command = await named.load()
  const programs = [`nsq-ts ${named.name}`, ...(named.bin === undefined ? [] : [named.bin])]
  return programs.map(program => commandPage({ entry: named, command, program, related: related(named) }))
}

/** Those that share its first word. */
function related({ name }: CommandEntry): string[] {
  const [word = ''] = name.split(' ')
  const near = commands.filter(each => each.name.split(' ')[0] === word)
  const isGroup = groupMembers(word, commands).length > 0
  return [...(isGroup ? [pageOf(word)] : []), ...near.map(each => pageOf(each.name))]
}

function groupPages(): Page[] {
  const words = new Set(commands.flatMap(each => groupWord(each, commands)))
  return Array.from(words, word => {
    const members = groupMembers(word, commands)
    return {
      name: pageOf(word),
      summary: groupSummary(word, members),
      sections: [
        section('SYNOPSIS', `${bold(`nsq-ts ${word}`)} ${italic('COMMAND')} [${italic('flags')}]`),
        section('COMMANDS', ...members.map(commandLine)),
      ],
      seeAlso: ['nsq-ts', ...members.map(({ name }) => pageOf(name))],
    }
  })
}

function mainPage(): Page {
  return {
    name: 'nsq-ts',
    summary: 'NSQ in one command: a local cluster, its daemons, and tools for any NSQ cluster',
    sections: [
      section(
        'SYNOPSIS',
        `${bold('nsq-ts')} ${italic('COMMAND')} [${italic('flags')}]`,
        '.br',
        `${bold('nsq-ts help')} [${italic('COMMAND')}]`,
      ),
      section(
        'DESCRIPTION',
        paragraph(
          'Starts a local NSQ for development, runs its daemons, and publishes, prints, archives, watches and passes on ' +
            'the messages of any NSQ cluster, official or not. Flags take one dash or two. Data goes to standard output, ' +
            'everything else to standard error.',
        ),
        paragraph('Each command has a page of its own, and --help. What an official tool is called works, too.'),
      ),
      section('COMMANDS', ...commands.map(commandLine)),
      section(
        'ENVIRONMENT',
        entry(
          bold('NSQ_*'),
          prose('Nearly any flag: --nsqd-tcp-address is NSQ_NSQD_TCP_ADDRESS. Lists are separated by commas.'),
        ),
        entry(`${bold('NO_COLOR')}, ${bold('FORCE_COLOR')}`, 'Colours off, or on where there is no terminal.'),
      ),
      exitStatus(),
      section(
        'EXAMPLES',
        paragraph('A local NSQ, and in another terminal the messages of a topic:'),
        verbatim('nsq-ts dev\nnsq-ts tail --topic logs'),
        paragraph('Each line of a file as a message:'),
        verbatim('nsq-ts pub --topic logs < app.log'),
      ),
    ],
    seeAlso: commands.flatMap(({ name, bin }) => [pageOf(name), ...(bin === undefined ? [] : [bin])]),
  }
}

function commandLine({ name, bin, summary }: CommandEntry): string {
  const also = bin === undefined || bin === name ? '' : `, ${bold(bin)}`
  return entry(`${bold(`nsq-ts ${name}`)}${also}`, `${roff(summary)}.`)
}

function pageOf(name: string): string {
  return `nsq-ts-${name.replaceAll(' ', '-')}`
}
