import { ProtocolError } from './errors.ts'

/** What a client says about itself in IDENTIFY. The names are those of official nsqd; so are the zero defaults. */
export interface IdentifyRequest {
  client_id: string
  hostname: string
  user_agent: string
  /** Ask for an IdentifyResponse as JSON; without it nsqd answers `OK`. */
  feature_negotiation: boolean
  /** Milliseconds; 0 for the server's default, -1 for none. */
  heartbeat_interval: number
  /** Bytes; 0 for the server's default, -1 for none. */
  output_buffer_size: number
  /** Milliseconds; 0 for the server's default, -1 for none. */
  output_buffer_timeout: number
  tls_v1: boolean
  deflate: boolean
  deflate_level: number
  snappy: boolean
  /** Percentage of messages to receive, 0 to 99; 0 is all. */
  sample_rate: number
  /** Milliseconds; 0 for the server's default. */
  msg_timeout: number
  topology_region: string
  topology_zone: string
}

/** What nsqd answers when the client asked for `feature_negotiation`. */
export interface IdentifyResponse {
  max_rdy_count: number
  version: string
  /** Milliseconds. */
  max_msg_timeout: number
  /** Milliseconds. */
  msg_timeout: number
  tls_v1: boolean
  deflate: boolean
  deflate_level: number
  max_deflate_level: number
  snappy: boolean
  sample_rate: number
  auth_required: boolean
  /** Bytes. */
  output_buffer_size: number
  /** Milliseconds. */
  output_buffer_timeout: number
  topology_region: string
  topology_zone: string
}

/**
 * Reads the body of IDENTIFY as official nsqd does: fields that are missing or null are zero, unknown ones are
 * ignored, and one of the wrong type refuses the whole body.
 *
 * @throws ProtocolError E_BAD_BODY
 */
export function parseIdentify(bytes: Buffer, start: number, end: number): IdentifyRequest {
  const fields = parseFields(bytes.toString('utf8', start, end))
  return {
    client_id: text(fields.client_id),
    hostname: text(fields.hostname),
    user_agent: text(fields.user_agent),
    feature_negotiation: flag(fields.feature_negotiation),
    heartbeat_interval: integer(fields.heartbeat_interval),
    output_buffer_size: integer(fields.output_buffer_size),
    output_buffer_timeout: integer(fields.output_buffer_timeout),
    tls_v1: flag(fields.tls_v1),
    deflate: flag(fields.deflate),
    deflate_level: integer(fields.deflate_level),
    snappy: flag(fields.snappy),
    sample_rate: integer(fields.sample_rate),
    msg_timeout: integer(fields.msg_timeout),
    topology_region: text(fields.topology_region),
    topology_zone: text(fields.topology_zone),
  }
}

/** The part of an answer to IDENTIFY that a client goes by. */
export type IdentifyAnswer = Pick<
  IdentifyResponse,
  'max_rdy_count' | 'msg_timeout' | 'max_msg_timeout' | 'tls_v1' | 'snappy' | 'deflate' | 'auth_required'
>

/**
 * Reads what nsqd answered to IDENTIFY. An nsqd that does not negotiate says only `OK`, and an old one does not tell
 * everything, or something impossible: then it is official nsqd's default, and no feature was granted.
 *
 * @throws ProtocolError E_BAD_BODY
 */
export function parseIdentifyAnswer(text: string): IdentifyAnswer {
  const fields = text === 'OK' ? {} : parseFields(text)
  return {
    max_rdy_count: countOr(fields.max_rdy_count, 0, 2500),
    msg_timeout: countOr(fields.msg_timeout, 1, 60_000),
    max_msg_timeout: countOr(fields.max_msg_timeout, 1, 900_000),
    tls_v1: fields.tls_v1 === true,
    snappy: fields.snappy === true,
    deflate: fields.deflate === true,
    auth_required: fields.auth_required === true,
  }
}

/** RDY and timers are made of these: a fraction, a negative or a huge number would be no use to either. */
function countOr(value: unknown, least: number, fallback: number): number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least ? value : fallback
}

type Fields = { [K in keyof IdentifyRequest | keyof IdentifyResponse]?: unknown }

function parseFields(json: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch (error) {
    throw undecodable(error)
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw undecodable()
  return value ?? {}
}

function text(value: unknown): string {
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw undecodable()
  return value
}

function flag(value: unknown): boolean {
  if (value === undefined || value === null) return false
  if (typeof value !== 'boolean') throw undecodable()
  return value
}

function integer(value: unknown): number {
  if (value === undefined || value === null) return 0
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw undecodable()
  return value
}

function undecodable(cause?: unknown): ProtocolError {
  return new ProtocolError('E_BAD_BODY', 'IDENTIFY failed to decode JSON body', { cause })
}
