/**
 * `--consumer-opt` and `--producer-opt` of the official tools: `max_attempts,5`, in go-nsq's names (nsq.Config), made into
 * options of our client.
 */
import { parseDuration } from '../util/duration.ts'
import { UsageError } from './errors.ts'
import { suggest } from './suggest.ts'

type Setting = [option: string, parse: (text: string) => unknown]

const text = (value: string): string => value
const milliseconds = (value: string): number => Math.round(parseDuration(value))

function integer(value: string): number {
  if (!/^\d+$/.test(value)) throw new RangeError(`"${value}" is not a whole number`)
  return Number(value)
}

const CONNECTION: Readonly<Record<string, Setting>> = {
  client_id: ['clientId', text],
  hostname: ['hostname', text],
  user_agent: ['userAgent', text],
  dial_timeout: ['connectTimeoutMs', milliseconds],
  heartbeat_interval: ['heartbeatIntervalMs', milliseconds],
}

const CONSUMER: Readonly<Record<string, Setting>> = {
  ...CONNECTION,
  lookupd_poll_interval: ['lookupPollIntervalMs', milliseconds],
  max_attempts: ['maxAttempts', integer],
  max_in_flight: ['maxInFlight', integer],
  msg_timeout: ['msgTimeoutMs', milliseconds],
}

/** Names of go-nsq that mean something only with what this version has not, or that our client decides itself. */
const LATER = /^(tls_|deflate|snappy|auth_secret)/
const WITHOUT_MEANING =
  /^(read_timeout|write_timeout|lookupd_poll_jitter|lookupd_poll_timeout|local_addr|lookupd_authorization|backoff_|max_backoff|default_requeue_delay|max_requeue_delay|low_rdy_|rdy_redistribute_|output_buffer_|sample_rate)/
