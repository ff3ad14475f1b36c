import type { OptionValues } from '../../util/option.ts'
import type { Context } from '../command.ts'
import type { ForwardOptions } from '../commands/forward.ts'
import { UsageError } from '../errors.ts'
import { checkChannel, checkTopic } from '../names.ts'
import { type BatchFormat, CONTENT_TYPES } from './batch-format.ts'
import { getTarget, postTarget, readHeaders, type Target } from './target.ts'
import { version } from '../../util/version.ts'

type Options = OptionValues<ForwardOptions>

/** What the flags come to, once they have been checked. */
export interface ForwardSettings {
  readonly topics: readonly string[]
  readonly channel: string
  readonly targets: readonly Target[]
  /** Undefined: each message is the body of a request. */
  readonly format: BatchFormat | undefined
  /** Of each topic. */
  readonly maxInFlight: number
}

/** The official default. */
const LEAST_IN_FLIGHT = 200
/** nsqd's --max-rdy-count: more does not come over one connection. */
const USUAL_READY = 2500

/** @throws UsageError for flags that do not go together, and values that mean nothing */
export function forwardSettings({
  options,
  positionals,
  program,
}: Pick<Context<ForwardOptions>, 'options' | 'positionals' | 'program'>): ForwardSettings {
  const topics = chooseTopics(options, positionals)
  checkChannel(options.channel)
  const { deadLetterTopic } = options
  if (deadLetterTopic !== undefined) {
    checkTopic(deadLetterTopic)
    if (topics.includes(deadLetterTopic)) {
      throw new UsageError(
        `--dead-letter-topic: ${deadLetterTopic} is forwarded itself, so that what is refused would come again for ever`,
        'Name another topic.',
      )
    }
  }
  const format = chooseFormat(options)
  return {
    topics,
    channel: options.channel,
    targets: chooseTargets(options, format, program),
    format,
    maxInFlight: options.maxInFlight ?? usefulInFlight(options),
  }
}

function chooseTopics({ topic }: Options, positionals: readonly string[]): string[] {
  const topics = [...new Set([...topic, ...positionals.flatMap(text => text.split(','))])]
  if (topics.length === 0) throw new UsageError('--topic is missing', 'Say what to forward: --topic=NAME.')
  topics.forEach(checkTopic)
  return topics
}

function chooseFormat({ batch, batchFormat, get }: Options): BatchFormat | undefined {
  if (batch > 1 && get.length > 0) {
    throw new UsageError(
      '--batch is for --post: the address of a GET has one message',
      'Leave one of them out.',
    )
  }
  if (batch === 1 && batchFormat !== undefined) {
    throw new UsageError('--batch-format is for batches, and there are none', 'Give --batch=N with it.')
  }
  return batch === 1 ? undefined : (batchFormat ?? 'json')
}

function chooseTargets(
  { post, get, header, contentType }: Options,
  format: BatchFormat | undefined,
  program: string,
): Target[] {
  if (post.length === 0 && get.length === 0) {
    throw new UsageError('--post or --get is missing', 'Say where to: --post=http://HOST:PORT/PATH.')
  }
  if (post.length > 0 && get.length > 0) {
    throw new UsageError('--post and --get exclude each other', 'Leave one of them out.')
  }
  if (contentType !== undefined && post.length === 0) {
    throw new UsageError('--content-type is for --post: a GET has no content', 'Leave it out.')
  }
  const given = readHeaders(header)
  const name = program.startsWith('nsq-ts') ? 'nsq-ts' : program
  const isPost = post.length > 0
  const headers = {
    'user-agent': `${name}/${version}`,
    ...(isPost
      ? {
          'content-type':
            contentType ?? (format === undefined ? 'application/octet-stream' : CONTENT_TYPES[format]),
        }
      : {}),
    ...Object.fromEntries(given),
  }
  const addresses = [...new Set(isPost ? post : get)]
  return addresses.map(text => (isPost ? postTarget(text, headers) : getTarget(text, headers)))
}

/** As many as there may be in requests, unless that is more than usually comes. */
function usefulInFlight({ n, batch }: Options): number {
  const useful = Math.min(n * batch, Math.max(USUAL_READY, 2 * batch))
  return Math.min(1_000_000, Math.max(LEAST_IN_FLIGHT, n, useful))
}
