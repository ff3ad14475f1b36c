import type { Done } from '../../cluster/actions.ts'
import type { Answers } from '../../cluster/answers.ts'
import type { NsqError } from '../../util/errors.ts'
import type { Context } from '../command.ts'
import { ExitCode, stopped } from '../errors.ts'
import { errorLine, oneLine } from '../escape.ts'

type Surroundings = Pick<Context, 'program' | 'stdout' | 'stderr' | 'signal'>

/** What a command tells of its work: results on stdout, and on stderr what has gone wrong, each thing once. */
export class Report {
  readonly #around: Surroundings
  readonly #said = new Set<string>()
  #hasFailed = false

  constructor(around: Surroundings) {
    this.#around = around
  }

  /** Of the command, so far. */
  get exitCode(): number {
    return this.#hasFailed ? ExitCode.failed : ExitCode.done
  }

  /**
   * What daemons answer, and a word of those that did not.
   *
   * @throws NsqError what the question does; `E_STOPPED` when the command was stopped meanwhile
   */
  async answers<T>(question: Promise<Answers<T>>): Promise<Answers<T>> {
    const answers = await question.catch((error: unknown) => {
      this.checkStopped()
      throw error
    })
    this.checkStopped()
    this.failed(answers.warnings)
    return answers
  }

  /** @throws NsqError `E_STOPPED` when a signal has stopped the command: daemons were not waited for */
  checkStopped(): void {
    if (this.#around.signal.aborted) throw stopped()
  }

  /** A daemon that is asked several things is out of reach only once. */
  failed(errors: readonly NsqError[]): void {
    for (const error of errors) {
      this.#hasFailed = true
      const what = error.message.replaceAll(/(https?:\/\/[^/\s]+)\/\S*/g, '$1')
      if (this.#said.has(what)) continue
      this.#said.add(what)
      this.#around.stderr.line(`${this.#around.program}: ${errorLine(error)}`)
      if (error.remedy !== undefined) this.#around.stderr.line(`  ${oneLine(error.remedy)}`)
    }
  }

  /** Something that a person should know. */
  note(text: string): void {
    this.#around.stderr.line(`${this.#around.program}: ${oneLine(text)}`)
  }

  /** Which daemon was asked, where none was named: a person may have thought of another. */
  asking(assumed: string | undefined): void {
    if (assumed !== undefined && this.#around.stderr.isTerminal) this.note(`asking ${assumed}`)
  }

  line(text: string): void {
    this.#around.stdout.line(oneLine(text))
  }

  json(value: unknown): void {
    this.#around.stdout.line(terminalSafe(JSON.stringify(value)))
  }
}

/** JSON leaves some control characters as they are, but means the same with their numbers. */
function terminalSafe(json: string): string {
  return json.replaceAll(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}

/** `nsqlookupd 10.0.0.1:4161 and nsqd 10.0.0.2:4151, 10.0.0.3:4151`; empty for nowhere. */
export function where({ lookupds, nsqds }: Done): string {
  const kinds = [
    ['nsqlookupd', lookupds],
    ['nsqd', nsqds],
  ] as const
  return kinds
    .filter(([, addresses]) => addresses.length > 0)
    .map(([kind, addresses]) => `${kind} ${addresses.join(', ')}`)
    .join(' and ')
}

/** Errors in JSON. */
export function errorsJson(errors: readonly NsqError[]): { code: string; message: string }[] {
  return errors.map(({ code, message }) => ({ code, message }))
}
