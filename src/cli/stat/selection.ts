/** Which topics and channels a report is about. */
export interface Selection {
  readonly topic: (name: string) => boolean
  readonly channel: (name: string) => boolean
  /** Whether channels are not chosen among. */
  readonly allChannels: boolean
  /** The one topic, and the one channel, that nsqd can be asked for alone. */
  readonly only: { readonly topic?: string; readonly channel?: string }
  /** The names without `*` or `?`: each should be there. */
  readonly named: { readonly topics: readonly string[]; readonly channels: readonly string[] }
  /** The others, of topics and of channels. */
  readonly patterns: readonly string[]
}

/**
 * @param topics - names, or patterns in which `*` stands for any text and `?` for any character; none: all
 * @param channels - likewise
 */
export function select(topics: readonly string[], channels: readonly string[]): Selection {
  const named = { topics: topics.filter(isName), channels: channels.filter(isName) }
  const [topic] = topics.length === 1 ? named.topics : []
  const [channel] = channels.length === 1 ? named.channels : []
  return {
    topic: matcher(topics),
    channel: matcher(channels),
    allChannels: channels.length === 0,
    only: {
      ...(topic === undefined ? {} : { topic }),
      ...(channel === undefined ? {} : { channel }),
    },
    named,
    patterns: [...topics, ...channels].filter(isPattern),
  }
}

/** Whether it has a `*` or a `?`, which no name has. */
export function isPattern(text: string): boolean {
  return /[*?]/.test(text)
}

function isName(text: string): boolean {
  return !isPattern(text)
}

function matcher(patterns: readonly string[]): (name: string) => boolean {
  if (patterns.length === 0) return () => true
  const sources = patterns.map(pattern =>
    pattern.replaceAll(/[^*?]+|\*+|\?/g, part =>
      part.startsWith('*') ? '.*' : part === '?' ? '.' : part.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&'),
    ),
  )
  const expression = new RegExp(`^(?:${sources.join('|')})$`, 's')
  return name => expression.test(name)
}
