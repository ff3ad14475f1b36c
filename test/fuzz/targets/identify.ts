import { shakeHands } from '../../../src/client/connection/handshake.ts'
import { errorFromFrame, notNsq } from '../../../src/client/errors.ts'
import { resolveConnectionOptions } from '../../../src/client/options.ts'
import { defaultSettings, negotiate } from '../../../src/nsqd/identify.ts'
import { resolveNsqdOptions } from '../../../src/nsqd/options.ts'
import { ProtocolError } from '../../../src/protocol/errors.ts'
import { parseIdentify } from '../../../src/protocol/identify.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { attempt, type Target } from '../target.ts'
import { IDENTIFY_ANSWER, IDENTIFY_REQUEST } from './samples.ts'

const JSON_TOKENS = [
  'null',
  'true',
  'false',
  '{}',
  '[]',
  '""',
  '{"',
  '":',
  ',"',
  '\\u0000',
  '\\ud800',
  '"__proto__":{"x":1},',
  '"toString":1,',
  '"deflate":true,',
  '"snappy":true,',
  '[[[[[[[[[[[[[[[[',
  '{"a":{"a":{"a":{"a":',
]

/** What a client says of itself, and what nsqd makes of it. */
export function identifyRequest(): Target {
  const options = resolveNsqdOptions({})
  const current = defaultSettings(options, '127.0.0.1')
  const offer = { tls: true, snappy: true, deflate: true, auth: false }
  return {
    name: 'identify',
    corpus: [
      IDENTIFY_REQUEST,
      { ...IDENTIFY_REQUEST, deflate: true, deflate_level: 9 },
      { client_id: 'ü', snappy: true, tls_v1: true, heartbeat_interval: -1, output_buffer_size: -1 },
      {},
    ].map(request => Buffer.from(JSON.stringify(request))),
    tokens: JSON_TOKENS,
    run: input =>
      attempt(
        () => {
          const request = parseIdentify(input, 0, input.length)
          const { settings, response } = negotiate(request, options, current, offer)
          // What timers, buffers and percentages are made of.
          inRange(settings.heartbeatInterval, 0, options.maxHeartbeatInterval)
          inRange(settings.msgTimeout, 1, options.maxMsgTimeout)
          inRange(settings.outputBufferSize, 1, options.maxOutputBufferSize)
          inRange(settings.sampleRate, 0, 99)
          JSON.stringify(response)
        },
        error => error instanceof ProtocolError,
      ),
  }
}

/** What an nsqd answers to a client's handshake. */
export function clientHandshake(): Target {
  const options = resolveConnectionOptions({ snappy: true })
  const answers = [
    'OK',
    JSON.stringify(IDENTIFY_ANSWER),
    JSON.stringify({ ...IDENTIFY_ANSWER, snappy: true }),
    JSON.stringify({ ...IDENTIFY_ANSWER, auth_required: true }),
    'E_BAD_BODY IDENTIFY failed to decode JSON body',
  ]
  return {
    name: 'client-handshake',
    corpus: answers.map(answer => Buffer.from(answer)),
    tokens: [...JSON_TOKENS, 'E_AUTH_FAILED ', '(TLS required)'],
    async run(input) {
      const text = input.toString()
      errorFromFrame('a:1', text)
      const line = {
        address: 'a:1',
        answer: () => Promise.resolve(text),
        upgrade: () => Promise.resolve('OK'),
        garbage: (what: string, cause?: unknown) => notNsq('a:1', what, cause),
      }
      try {
        const granted = await shakeHands(line, options, {})
        // RDY and the clock that touches messages are made of these.
        inRange(granted.max_rdy_count, 0, Number.MAX_SAFE_INTEGER)
        inRange(granted.msg_timeout, 0, Number.MAX_SAFE_INTEGER)
        inRange(granted.max_msg_timeout, 0, Number.MAX_SAFE_INTEGER)
      } catch (error) {
        if (error instanceof NsqError) return 'rejected'
        throw error
      }
      return 'accepted'
    },
  }
}

function inRange(value: number, least: number, most: number): void {
  if (!(value >= least && value <= most)) throw new Error(`${value} is not from ${least} to ${most}`)
}
