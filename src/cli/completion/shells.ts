/**
 * How the scripts of the shells ask, and are answered: a line for each candidate, `value` or `value<TAB>description`, and
 * a last one, `:`, `:files` or `:folders`.
 */
import type { Answer, Candidate } from './answer.ts'
import { parseLine } from './line.ts'

export const SHELLS = ['bash', 'zsh', 'fish'] as const

export type Shell = (typeof SHELLS)[number]

export interface Question {
  /** The last one is as far as it is typed. */
  readonly words: readonly string[]
  /** The lines to answer with. */
  readonly print: (answer: Answer) => string[]
}

/** @param args - of the script: bash sends the line and its breaks, the others send words */
export function readQuestion(shell: Shell, args: readonly string[]): Question {
  if (shell === 'bash') return bash(args)
  if (shell === 'zsh') return { words: args, print: answer => lines(answer, answer.candidates) }
  // Of words that are done fish has taken the quotes off.
  const { words } = parseLine(args.at(-1) ?? '', '')
  return {
    words: [...args.slice(0, -1), words.at(-1) ?? ''],
    print: answer => lines(answer, wholeWords(answer)),
  }
}

/** bash puts in what it is given: it chooses nothing, quotes nothing, and has kept a part of the word. */
function bash([text = '', breaks = '']: readonly string[]): Question {
  const { words, quote, kept } = parseLine(text, breaks)
  const current = words.at(-1) ?? ''
  const print = (answer: Answer): string[] => {
    const fitting = wholeWords(answer).filter(({ value }) => value.startsWith(current))
    const candidates = fitting.map(each => ({ ...each, value: quoted(each.value.slice(kept), quote) }))
    return lines(answer, candidates)
  }
  return { words, print }
}

/** With what comes before the value in its word: `--topic=orders`. */
function wholeWords({ candidates, prefix }: Answer): Candidate[] {
  return candidates.map(each => ({ ...each, value: prefix + each.value }))
}

function quoted(text: string, quote: '"' | "'" | ''): string {
  if (quote === '"') return text.replaceAll(/["\\$`]/g, '\\$&')
  if (quote === "'") return text.replaceAll("'", String.raw`'\''`)
  return text.replaceAll(/[^\w./:=@%+,#-]/g, '\\$&')
}

function lines({ files }: Answer, candidates: readonly Candidate[]): string[] {
  const rows = candidates.map(({ value, describe }) =>
    describe === undefined ? value : `${value}\t${describe}`,
  )
  return [...rows.map(row => row.replaceAll('\n', ' ')), files === 'none' ? ':' : `:${files}`]
}
