/** A conversation with nsqd's TCP port: IDENTIFY, TLS and AUTH as a client would, and nothing that changes anything. */
import { hostname } from 'node:os'
import { tlsError } from '../../client/tls-error.ts'
import { auth, identify, MAGIC_V2, nop } from '../../protocol/command.ts'
import { FRAME_HEADER, FrameReader, FrameType } from '../../protocol/frame.ts'
import { type Endpoint, parseEndpoint } from '../../util/address.ts'
import { NsqError } from '../../util/errors.ts'
import { version } from '../../util/version.ts'
import { certificateOf, tolerantTls } from './certificate.ts'
import type { IdentityFacts, PortFacts, WireFacts } from './facts.ts'
import { failureOf } from './failure.ts'
import { hostOf, openPort } from './port.ts'
import type { ProbeOptions } from './probe-options.ts'
import { serviceOf, serviceSeen } from './service.ts'
import type { Taken, Talk } from './talk.ts'

const MAX_FRAME = 1024 * 1024

interface Frame {
  readonly isError: boolean
  readonly text: string
}

/** @param read - what the address may be, as for `openPort` */
export function probeNsqd(
  address: string,
  options: ProbeOptions,
  read?: (address: string) => Endpoint,
): Promise<WireFacts> {
  return openPort(address, options, (talk, facts) => converse(talk, facts, options), read)
}

async function converse(talk: Talk, port: PortFacts, options: ProbeOptions): Promise<WireFacts> {
  let facts: WireFacts = port
  try {
    talk.write(MAGIC_V2)
    talk.write(identify(introduction(options.wantsTls)))
    const answer = await talk.read(frame)
    if (answer.isError) return { ...facts, service: serviceOf(talk.head), refusal: answer.text }
    const identity = readIdentity(answer.text)
    facts = { ...facts, service: 'nsqd-tcp', identity }
    if (identity.tls) facts = { ...facts, ...(await startTls(talk, facts, options)) }
    if (facts.failure !== undefined) return facts
    return identity.authRequired ? await authenticate(talk, facts, options) : await idle(talk, facts)
  } catch (error) {
    return { ...serviceSeen(talk.head, error), ...facts, failure: failureOf(error) }
  }
}

function introduction(wantsTls: boolean): Parameters<typeof identify>[0] {
  return {
    client_id: hostname(),
    hostname: hostname(),
    user_agent: `nsq-ts-doctor/${version}`,
    feature_negotiation: true,
    ...(wantsTls ? { tls_v1: true } : {}),
  }
}

async function startTls(talk: Talk, facts: WireFacts, { tls }: ProbeOptions): Promise<Partial<WireFacts>> {
  const { address } = facts
  try {
    const stream = await talk.upgrade(tolerantTls(tls, hostOf(parseEndpoint(address))))
    const certificate = certificateOf(stream, address)
    const seen = certificate === undefined ? {} : { certificate }
    try {
      await talk.read(frame)
      return seen
    } catch (error) {
      return { ...seen, failure: failureOf(tlsError(address, error)) }
    }
  } catch (error) {
    return { failure: failureOf(tlsError(address, error)) }
  }
}

async function authenticate(talk: Talk, facts: WireFacts, { secret }: ProbeOptions): Promise<WireFacts> {
  if (secret === undefined) return { ...(await idle(talk, facts)), auth: 'no secret' }
  talk.write(auth(secret))
  const { isError, text } = await talk.read(frame)
  return isError ? { ...facts, auth: 'refused', refusal: text } : { ...facts, auth: 'accepted' }
}

/** NOP has no answer, but where TLS is demanded it is refused. nsqd closes when this side does. */
async function idle(talk: Talk, facts: WireFacts): Promise<WireFacts> {
  talk.write(nop())
  await talk.close()
  const refused = await talk.read(frame).catch(() => undefined)
  return refused?.isError === true ? { ...facts, refusal: refused.text } : facts
}

/** The first frame that is no heartbeat. */
function frame(bytes: Buffer): Taken<Frame> | undefined {
  const found: Taken<Frame>[] = []
  const reader = new FrameReader(
    {
      frame(type, data, start, end) {
        const isError = type === FrameType.error
        found.push({ value: { isError, text: data.toString('utf8', start, end) }, length: end })
        reader.paused = true
      },
    },
    MAX_FRAME,
  )
  if (bytes.length >= FRAME_HEADER) reader.push(bytes)
  const [first] = found
  if (first !== undefined && !first.value.isError && bytes.readUInt32BE(4) !== FrameType.response) {
    throw new NsqError('E_PROTOCOL', 'what it answers is not NSQ')
  }
  return first
}

function readIdentity(text: string): IdentityFacts {
  const fields: Partial<Record<string, unknown>> = text === 'OK' ? {} : { ...parse(text) }
  return {
    version: typeof fields['version'] === 'string' ? fields['version'] : undefined,
    maxRdyCount: numberOf(fields['max_rdy_count']),
    msgTimeout: numberOf(fields['msg_timeout']),
    maxMsgTimeout: numberOf(fields['max_msg_timeout']),
    tls: fields['tls_v1'] === true,
    authRequired: fields['auth_required'] === true,
  }
}

function parse(text: string): object {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new NsqError('E_PROTOCOL', 'its answer to IDENTIFY is not JSON', { cause })
  }
  if (typeof value === 'object' && value !== null) return value
  throw new NsqError('E_PROTOCOL', 'its answer to IDENTIFY is not a JSON object')
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined
}
