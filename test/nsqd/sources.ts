import type { ChannelSource, SessionSource, StatsSource, TopicSource } from '../../src/nsqd/stats.ts'

/** Plain objects that stand for the parts of a daemon, as `/stats` sees them. */

export function session(fields: Partial<SessionSource> = {}): SessionSource {
  return {
    clientId: 'me',
    hostname: 'box',
    userAgent: 'ua/9',
    remoteAddress: '127.0.0.1:5555',
    state: 3,
    ready: 5,
    inFlightCount: 1,
    messageCount: 4,
    finishCount: 3,
    requeueCount: 2,
    connectedAt: 1_700_000_000_500,
    sampleRate: 0,
    deflate: false,
    snappy: false,
    tls: undefined,
    authorizations: undefined,
    topologyZone: '',
    topologyRegion: '',
    pubCounts: new Map(),
    ...fields,
  }
}

export function channel(name: string, fields: Partial<ChannelSource> = {}): ChannelSource {
  return {
    name,
    paused: false,
    depth: 0,
    backendDepth: 0,
    inFlightCount: 0,
    deferredCount: 0,
    messageCount: 0,
    requeueCount: 0,
    timeoutCount: 0,
    zoneLocalCount: 0,
    regionLocalCount: 0,
    globalCount: 0,
    droppedCount: 0,
    expiredCount: 0,
    isOrphaned: false,
    sessions: new Set(),
    latency: undefined,
    ...fields,
  }
}

export function topic(
  name: string,
  channels: ChannelSource[] = [],
  fields: Partial<TopicSource> = {},
): TopicSource {
  return {
    name,
    paused: false,
    depth: 0,
    backendDepth: 0,
    messageCount: 0,
    messageBytes: 0,
    refusedCount: 0,
    droppedCount: 0,
    expiredCount: 0,
    retainedBytes: undefined,
    channels: new Map(channels.map(each => [each.name, each])),
    ...fields,
  }
}

export function daemon(topics: TopicSource[], fields: Partial<StatsSource> = {}): StatsSource {
  return {
    health: 'OK',
    startTime: new Date(1_700_000_000_900),
    topics: new Map(topics.map(each => [each.name, each])),
    sessions: new Set(
      topics.flatMap(each => [...each.channels.values()]).flatMap(each => [...each.sessions]),
    ),
    options: { e2eProcessingLatencyPercentile: [] },
    ...fields,
  }
}
