import { ProtocolError } from '../protocol/errors.ts'
import type { IdentifyRequest, IdentifyResponse } from '../protocol/identify.ts'
import { version } from '../util/version.ts'
import type { NsqdOptions } from './options.ts'

/** What IDENTIFY decides about a connection. Times are milliseconds. */
export interface SessionSettings {
  clientId: string
  hostname: string
  userAgent: string
  /** 0: no heartbeats. */
  heartbeatInterval: number
  /** Bytes; 1: nothing is held back. */
  outputBufferSize: number
  /** 0: nothing is held back. */
  outputBufferTimeout: number
  /** The percentage of messages that this consumer gets; 0 means all. */
  sampleRate: number
  msgTimeout: number
  topologyRegion: string
  topologyZone: string
}

/** The official nsqd's, whatever its largest allowed interval. */
const DEFAULT_HEARTBEAT_INTERVAL = 30_000
const DEFAULT_OUTPUT_BUFFER_SIZE = 16 * 1024
const DEFAULT_DEFLATE_LEVEL = 6

/** What this nsqd can do on this connection, where its flags allow it. */
export interface Offer {
  readonly tls: boolean
  readonly snappy: boolean
  readonly deflate: boolean
  /** Clients must say AUTH. */
  readonly auth: boolean
}

/** How the connection goes on after the answer. */
export interface Grant {
  readonly tls: boolean
  readonly snappy: boolean
  /** 0: none. */
  readonly deflateLevel: number
}

const NOTHING: Grant = { tls: false, snappy: false, deflateLevel: 0 }

type Limits = Pick<
  NsqdOptions,
  | 'deflate'
  | 'maxDeflateLevel'
  | 'maxHeartbeatInterval'
  | 'maxMsgTimeout'
  | 'maxOutputBufferSize'
  | 'maxOutputBufferTimeout'
  | 'maxRdyCount'
  | 'minOutputBufferTimeout'
  | 'msgTimeout'
  | 'outputBufferTimeout'
  | 'snappy'
  | 'topologyRegion'
  | 'topologyZone'
>

/** The settings of a connection that has not identified itself. The official nsqd names such a client by its IP address. */
export function defaultSettings(options: Limits, remoteHost: string): SessionSettings {
  return {
    clientId: remoteHost,
    hostname: remoteHost,
    userAgent: '',
    heartbeatInterval: DEFAULT_HEARTBEAT_INTERVAL,
    outputBufferSize: DEFAULT_OUTPUT_BUFFER_SIZE,
    outputBufferTimeout: options.outputBufferTimeout,
    sampleRate: 0,
    msgTimeout: options.msgTimeout,
    topologyRegion: '',
    topologyZone: '',
  }
}

/**
 * Answers an IDENTIFY as the official nsqd does: a zero leaves a setting as it is in `current`, -1 turns heartbeats or
 * buffering off, and anything out of range refuses the connection. The response is undefined when the client did not ask
 * for feature negotiation; it gets a plain OK then.
 *
 * @throws ProtocolError E_BAD_BODY or E_IDENTIFY_FAILED.
 */
export function negotiate(
  request: IdentifyRequest,
  options: Limits,
  current: SessionSettings,
  offer: Offer,
): { settings: SessionSettings; response: IdentifyResponse | undefined; grant: Grant } {
  const heartbeatInterval = setting('heartbeat interval', request.heartbeat_interval, {
    current: current.heartbeatInterval,
    off: 0,
    min: 1000,
    max: options.maxHeartbeatInterval,
  })
  const outputBufferTimeout = setting('output buffer timeout', request.output_buffer_timeout, {
    current: current.outputBufferTimeout,
    off: 0,
    min: Math.trunc(options.minOutputBufferTimeout),
    max: options.maxOutputBufferTimeout,
  })
  const outputBufferSize = setting('output buffer size', request.output_buffer_size, {
    current: current.outputBufferSize,
    off: 1,
    min: 64,
    max: options.maxOutputBufferSize,
  })
  const { sample_rate: sampleRate } = request
  if (sampleRate < 0 || sampleRate > 99) throw invalid('sample rate', sampleRate)
  const msgTimeout = setting('msg timeout', request.msg_timeout, {
    current: current.msgTimeout,
    min: 1000,
    max: options.maxMsgTimeout,
  })
  const settings: SessionSettings = {
    clientId: request.client_id,
    hostname: request.hostname,
    userAgent: request.user_agent,
    heartbeatInterval,
    outputBufferSize,
    outputBufferTimeout: request.output_buffer_size === -1 ? 0 : outputBufferTimeout,
    sampleRate,
    msgTimeout,
    topologyRegion: request.topology_region,
    topologyZone: request.topology_zone,
  }
  if (!request.feature_negotiation) return { settings, response: undefined, grant: NOTHING }
  const grant = grantTo(request, options, offer)
  return { settings, response: respond(request, options, settings, grant, offer.auth), grant }
}

function grantTo(request: IdentifyRequest, options: Limits, offer: Offer): Grant {
  const deflate = options.deflate && request.deflate
  const snappy = options.snappy && request.snappy
  if (deflate && snappy) {
    throw new ProtocolError('E_IDENTIFY_FAILED', 'cannot enable both deflate and snappy compression')
  }
  return {
    tls: offer.tls && request.tls_v1,
    snappy: offer.snappy && snappy,
    deflateLevel: offer.deflate && deflate ? deflateLevel(request, options) : 0,
  }
}

/** Told whether deflate is granted or not; only who asks for deflate has a say in it. */
function deflateLevel(request: IdentifyRequest, options: Limits): number {
  const hasSay = options.deflate && request.deflate && request.deflate_level > 0
  return Math.min(hasSay ? request.deflate_level : DEFAULT_DEFLATE_LEVEL, options.maxDeflateLevel)
}

function respond(
  request: IdentifyRequest,
  options: Limits,
  settings: SessionSettings,
  grant: Grant,
  authRequired: boolean,
): IdentifyResponse {
  return {
    max_rdy_count: options.maxRdyCount,
    version,
    max_msg_timeout: Math.trunc(options.maxMsgTimeout),
    msg_timeout: Math.trunc(settings.msgTimeout),
    tls_v1: grant.tls,
    deflate: grant.deflateLevel > 0,
    deflate_level: deflateLevel(request, options),
    max_deflate_level: options.maxDeflateLevel,
    snappy: grant.snappy,
    sample_rate: settings.sampleRate,
    auth_required: authRequired,
    output_buffer_size: settings.outputBufferSize,
    output_buffer_timeout: Math.trunc(settings.outputBufferTimeout),
    topology_region: options.topologyRegion,
    topology_zone: options.topologyZone,
  }
}

interface Range {
  /** The value that a zero leaves. */
  current: number
  /** The value for -1, where that is allowed. */
  off?: number
  min: number
  max: number
}

function setting(name: string, asked: number, { current, off, min, max }: Range): number {
  if (asked === 0) return current
  if (asked === -1 && off !== undefined) return off
  if (asked < min || asked > max) throw invalid(name, asked)
  return asked
}

function invalid(name: string, value: number): ProtocolError {
  return new ProtocolError('E_BAD_BODY', `IDENTIFY ${name} (${value}) is invalid`)
}
