import type { Quantiles } from './load/histogram.ts'

/**
 * What the parent asks of its load processes, and what they answer. Sizes are bytes, times milliseconds unless named
 * otherwise.
 */
export interface Work {
  publish: { job: PublishJob; result: LoadResult }
  consume: { job: ConsumeJob; result: LoadResult }
  'bare-server': { job: BareServerJob; result: { port: number } }
  'bare-mirror': { job: BareMirrorJob; result: LoadResult }
  'bare-http': { job: BareHttpJob; result: { port: number } }
  'bare-forward': { job: BareForwardJob; result: LoadResult }
  'bare-archive': { job: BareArchiveJob; result: LoadResult }
  'bare-tool': { job: BareToolJob; result: LoadResult }
  'bare-relay': { job: BareRelayJob; result: { port: number } }
  'paced-publish': { job: PacedPublishJob; result: PacedPublishResult }
  'paced-consume': { job: PacedConsumeJob; result: PacedConsumeResult }
  'bare-topics': { job: BareTopicsJob; result: { port: number } }
  'topics-publish': { job: TopicsPublishJob; result: LoadResult }
  'topics-consume': { job: TopicsConsumeJob; result: LoadResult }
  'exact-consume': { job: ExactConsumeJob; result: LoadResult }
  'client-publish': { job: ClientPublishJob; result: LoadResult }
  'client-consume': { job: ClientConsumeJob; result: LoadResult }
}

export interface PublishJob {
  port: number
  topic: string
  connections: number
  /** Commands on the way at once, on each connection. */
  depth: number
  /** Messages in a command: PUB when 1, else MPUB. */
  batch: number
  bodyLength: number
  /** Ends after this many messages or this time, whichever comes first. The warm-up before `warmMs` is not counted. */
  messages: number
  warmMs: number
  measureMs: number
  /** Talk to a bare sink: no greeting. */
  bare: boolean
}

export interface ConsumeJob {
  port: number
  topic: string
  /** One connection for each. */
  channels: string[]
  ready: number
  bodyLength: number
  /** Deliveries in all, of which the first `warm` are not counted. */
  messages: number
  warm: number
  /** Talk to a bare source: no greeting, and no frame is looked at. */
  bare: boolean
}

export type BareServerJob =
  /**
   * Answers every `commandLength` bytes with an OK's worth of bytes; unless `path` is empty, when they are in that
   * file, and with `sync` on the disk.
   */
  | { kind: 'sink'; commandLength: number; path: string; sync: boolean }
  /** Sends `messages` frames to each connection, `ready` ahead of the FINs' bytes. */
  | { kind: 'source'; frameLength: number; ready: number; messages: number }

export interface BareMirrorJob {
  /** Where a bare source and a bare sink are. */
  from: number
  to: number
  messages: number
  frameLength: number
  /** Messages in flight. */
  ready: number
  /** Messages that the sink answers at once. */
  batch: number
}

/** Nothing to be told. */
export interface BareHttpJob {
  kind: 'bare-http'
}

export interface BareForwardJob {
  /** Where a bare source is, and a bare HTTP server. */
  from: number
  to: number
  messages: number
  frameLength: number
  /** Of a message. */
  bodyLength: number
  /** Messages in flight. */
  ready: number
  /** Messages in a request. */
  batch: number
}

export interface BareArchiveJob {
  /** Where a bare source is. */
  port: number
  messages: number
  frameLength: number
  /** Messages in flight; half of them are written, synced and answered at once. */
  ready: number
  /** Bytes of a message in the file, before compression. */
  bodyLength: number
  path: string
  gzip: boolean
}

export type BareToolJob =
  /** Sends a file to a bare sink, which answers every `commandLength` bytes. */
  | { kind: 'pub'; port: number; path: string; commandLength: number; lineLength: number }
  /** Writes as many bytes as the lines of what a bare source sends would have. `ready`: messages in flight. */
  | {
      kind: 'tail'
      port: number
      path: string
      messages: number
      frameLength: number
      lineLength: number
      ready: number
    }

export interface BareRelayJob {
  recordLength: number
  /** The end of a record, which begins with a stamp. */
  bodyLength: number
  /** Each record goes on when its stamp says. */
  holds: boolean
}

export interface PacedPublishJob {
  port: number
  topic: string
  connections: number
  /** Messages that each connection sends every millisecond, and for how long. */
  perMillisecond: number
  milliseconds: number
  /** How late the first ones are sent does not count. */
  warm: number
  bodyLength: number
  /** Of DPUBs, evenly spread; undefined for PUBs. */
  delays?: { least: number; most: number } | undefined
  bare: boolean
}

export interface PacedPublishResult {
  /** How much later than it was to be a millisecond's messages were sent. */
  lateness: Quantiles
  cpuSeconds: number
}

export type PacedConsumeJob =
  | {
      kind: 'subscribe'
      port: number
      topic: string
      channel: string
      ready: number
      /** Of a message; with `bare` it is the end of a record. */
      bodyLength: number
      recordLength: number
      messages: number
      /** How late the first ones come does not count. */
      warm: number
      bare: boolean
    }
  | { kind: 'collect'; deadlineMs: number }

export interface PacedConsumeResult {
  /** Arrival, later than each message's stamp. */
  lateness: Quantiles
  cpuSeconds: number
}

export interface TopicsPublishJob {
  port: number
  /** Names of one length. */
  topics: string[]
  connections: number
  /** Commands on the way at once, on each connection. */
  depth: number
  /** Messages in a command: PUB when 1, else MPUB. */
  batch: number
  bodyLength: number
  messages: number
  /** DPUB with this delay, when there is one. */
  deferMs?: number
}

export interface TopicsConsumeJob {
  port: number
  topics: string[]
  /** Of each topic: one connection for each, which stays for the next job. */
  channels: string[]
  ready: number
  /** Deliveries in all; 0 to connect only. */
  messages: number
}

export interface BareTopicsJob {
  /** Messages in a command. */
  batch: number
  commandLength: number
  frameLength: number
}

export interface ExactConsumeJob {
  port: number
  topic: string
  /** One connection for each. */
  channels: string[]
  ready: number
  /** Messages from each channel, and not one more. */
  each: number
}

/** Which client library, and over what kind of connection. */
export interface ClientJob {
  client: 'ours' | 'nsqjs'
  port: number
  topic: string
  /** The authority's certificate (PEM), or '' for no TLS. */
  tlsCa: string
  snappy: boolean
  /** The level, or 0 for none. */
  deflate: number
}

export interface ClientPublishJob extends ClientJob {
  /** Publishes under way at once. */
  atOnce: number
  /** Messages in a publish: alone when 1, else an array. */
  batch: number
  bodyLength: number
  warmMs: number
  measureMs: number
}

export interface ClientConsumeJob extends ClientJob {
  channel: string
  maxInFlight: number
  /** With our client: how the program gets its messages. */
  take: 'handler' | 'onMessage' | 'for await'
  /** Messages in all, of which the first `warm` are not counted. */
  messages: number
  warm: number
}

export interface LoadResult {
  /** What was done in the measured time. */
  messages: number
  seconds: number
  /** What was done altogether, warm-up included. */
  total: number
  /** Processor time of the load process in the whole run. */
  cpuSeconds: number
}
