import { setTimeout as sleep } from 'node:timers/promises'
import { toNsqError } from '../../client/errors.ts'
import { type LookupOptions, listTopics } from '../../cluster/lookup.ts'
import { errorText, type NsqError } from '../../util/errors.ts'
import { UsageError } from '../errors.ts'
import { checkTopic } from '../names.ts'

interface TopicFlags {
  readonly topic: readonly string[]
  readonly topicPattern: string | undefined
  readonly lookupdHttpAddress: readonly string[]
}

/** Which topics to archive. */
export interface TopicChoice {
  /** The topics named; with none, nsqlookupd is asked which there are. */
  readonly named: readonly string[]
  /** Of either, those count that this is true for. */
  readonly matches: (topic: string) => boolean
}

/** @throws UsageError */
export async function chooseTopics(
  flags: TopicFlags,
  positionals: readonly string[],
  namesTopics: boolean,
): Promise<TopicChoice> {
  const named = [...new Set([...flags.topic, ...positionals.flatMap(text => text.split(','))])]
  named.forEach(checkTopic)
  const { topicPattern: pattern } = flags
  if (named.length === 0 && pattern === undefined) {
    throw new UsageError(
      '--topic is missing',
      'Say what to archive: --topic=NAME, or --topic-pattern=REGEXP.',
    )
  }
  if (named.length === 0 && flags.lookupdHttpAddress.length === 0) {
    throw new UsageError(
      '--topic-pattern needs --lookupd-http-address',
      'nsqlookupd is asked which topics there are.',
    )
  }
  if (named.length !== 1 && !namesTopics) {
    throw new UsageError(
      '--filename-format has no <TOPIC>: files of several topics would have one name',
      'Write it as in <TOPIC>.<HOST><REV>.<DATETIME>.log.',
    )
  }
  const matches = pattern === undefined ? () => true : await matcher(pattern)
  // As in the official tool: with both, the pattern is for those that are named.
  if (named.length > 0 && !named.some(matches)) {
    throw new UsageError(
      `--topic-pattern: "${pattern}" is found in no name of --topic`,
      'Leave one of them out.',
    )
  }
  return { named: named.filter(matches), matches }
}

/** Go's regular expressions, as in the official tool. */
async function matcher(pattern: string): Promise<(topic: string) => boolean> {
  const { RE2JS } = await import('re2js')
  try {
    const expression = RE2JS.compile(pattern)
    return topic => expression.matcher(topic).find()
  } catch (error) {
    throw new UsageError(`--topic-pattern: "${pattern}" is not a regular expression: ${errorText(error)}`)
  }
}

export interface TopicDiscoveryOptions {
  readonly lookupd: readonly string[]
  readonly lookupOptions: LookupOptions
  readonly matches: (topic: string) => boolean
  /** Gets each topic that has not been there before; resolves when it is seen to. One that it rejects comes again. */
  readonly found: (topic: string) => Promise<void>
  readonly failed: (error: NsqError) => void
}

/** Asks nsqlookupd which topics there are. One that goes away is not forgotten: it may come again. */
export class TopicDiscovery {
  readonly #options: TopicDiscoveryOptions
  readonly #known = new Set<string>()

  constructor(options: TopicDiscoveryOptions) {
    this.#options = options
  }

  /** @throws NsqError `E_LOOKUP` when no nsqlookupd answers; what `found` rejects with */
  async look(): Promise<void> {
    const { lookupd, lookupOptions, matches, found, failed } = this.#options
    const { value, warnings } = await listTopics(lookupd, lookupOptions)
    for (const warning of warnings) failed(warning)
    const fresh = value.filter(topic => !this.#known.has(topic) && matches(topic))
    const outcomes = await Promise.allSettled(
      fresh.map(async topic => {
        await found(topic)
        this.#known.add(topic)
      }),
    )
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  /** Looks again every `refreshMs` until the signal is aborted; of a look that fails `failed` is told. */
  async watch(refreshMs: number, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(refreshMs, undefined, { signal }).catch(() => {})
      if (!signal.aborted) await this.look().catch(error => this.#options.failed(toNsqError(error)))
    }
  }
}
