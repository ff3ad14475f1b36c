import type { ProducerStrategy } from '../../client/producer/router.ts'
import type { OptionValues } from '../../util/option.ts'
import type { Context } from '../command.ts'
import type { MirrorOptions } from '../commands/mirror.ts'
import { UsageError } from '../errors.ts'
import { checkChannel, checkTopic } from '../names.ts'
import { JsonRules } from './json-rules.ts'

/** What this command is called as when its defaults are the official ones. */
const OFFICIAL_NAME = 'nsq_to_nsq'

type Options = OptionValues<MirrorOptions>

/** What the flags come to, once they have been checked. */
export interface MirrorSettings {
  /** Where the messages of each topic go. */
  readonly routes: ReadonlyMap<string, string>
  readonly channel: string
  readonly maxInFlight: number
  readonly strategy: ProducerStrategy
  /** Undefined when bodies are not looked at. */
  readonly rules: JsonRules | undefined
  readonly statusEvery: number
}

/**
 * The strategies of our producer that do what the official modes are for. `hostpool` is taking turns and leaving out those
 * that are down, as our `round-robin` does; `epsilon-greedy` learns who is fast, which for batches on their way shows in
 * what is not acknowledged.
 */
const STRATEGIES = {
  'round-robin': 'round-robin',
  hostpool: 'round-robin',
  'epsilon-greedy': 'least-pending',
} as const satisfies Record<Options['mode'], ProducerStrategy>

/** @throws UsageError for flags that do not go together, and values that mean nothing */
export function mirrorSettings({
  program,
  options,
  positionals,
}: Pick<Context<MirrorOptions>, 'program' | 'options' | 'positionals'>): MirrorSettings {
  const isOfficial = program === OFFICIAL_NAME
  const topics = new Set([...options.topic, ...positionals.flatMap(text => text.split(','))])
  if (topics.size === 0) throw new UsageError('--topic is missing', 'Say what to mirror: --topic=NAME.')
  topics.forEach(checkTopic)
  checkChannel(options.channel)
  const destinationTopic = unlessEmpty(options.destinationTopic)
  if (destinationTopic !== undefined) checkTopic(destinationTopic)
  return {
    routes: new Map([...topics].map(topic => [topic, destinationTopic ?? topic])),
    channel: options.channel,
    maxInFlight: options.maxInFlight ?? (isOfficial ? 200 : 2500),
    strategy: STRATEGIES[options.mode],
    rules: jsonRules(options),
    statusEvery: options.statusEvery ?? (isOfficial ? 250 : 0),
  }
}

function jsonRules(options: Options): JsonRules | undefined {
  const { requireJsonField, requireJsonValue, whitelistJsonField: kept } = options
  const [field, value] = [unlessEmpty(requireJsonField), unlessEmpty(requireJsonValue)]
  if (value !== undefined && field === undefined) {
    throw new UsageError(
      '--require-json-value needs --require-json-field',
      'Say whose value it is: --require-json-field=FIELD.',
    )
  }
  if (field === undefined && kept.length === 0) return undefined
  return new JsonRules({ field, value, kept })
}

/** Officially these flags are empty when they are not given, as is `--require-json-field="$FIELD"` of a script. */
function unlessEmpty(text: string | undefined): string | undefined {
  return text === '' ? undefined : text
}
