import { deflateLayer } from '../../net/deflate.ts'
import { snappyLayer } from '../../net/snappy.ts'
import { clientTls } from '../../net/tls.ts'
import type { Layer } from '../../net/layer.ts'
import { auth, identify } from '../../protocol/command.ts'
import { type IdentifyAnswer, type IdentifyRequest, parseIdentifyAnswer } from '../../protocol/identify.ts'
import { parseEndpoint } from '../../util/address.ts'
import { NsqError } from '../../util/errors.ts'
import { AUTH_REMEDY } from '../errors.ts'
import type { ResolvedConnectionOptions } from '../options.ts'
import { tlsError } from '../tls-error.ts'

/** A connection as the handshake sees it. What it calls ends when the connection does, or takes too long. */
export interface HandshakeLine {
  readonly address: string
  /** Sends a command and waits for nsqd's answer. What is behind that is not read before the next call or the end. */
  answer(step: string, command: Buffer): Promise<string>
  /** Puts a layer over what there is and waits for nsqd's answer, which comes through it. */
  upgrade(step: string, layer: Layer): Promise<string>
  /** Ends the connection: what came is not NSQ. */
  garbage(what: string, cause?: unknown): NsqError
}

/**
 * What comes before the first command:
 *
 *     IDENTIFY -> answer, [TLS -> OK], [snappy or deflate -> OK], [AUTH -> answer]
 *
 * @throws NsqError `E_TLS`, `E_SNAPPY`, `E_AUTH_REQUIRED`, nsqd's own code, or what the connection ended with
 */
export async function shakeHands(
  line: HandshakeLine,
  options: ResolvedConnectionOptions,
  request: Partial<IdentifyRequest>,
): Promise<IdentifyAnswer> {
  const snappy = options.snappy ? await snappyLayer() : undefined
  const granted = readAnswer(line, await line.answer('IDENTIFY', identifyCommand(options, request)))
  if (options.tls !== undefined) await startTls(line, options.tls, granted)
  if (snappy !== undefined && granted.snappy) await upgrade(line, 'snappy', snappy)
  if (options.deflate > 0 && granted.deflate) await upgrade(line, 'deflate', deflateLayer(options.deflate))
  if (granted.auth_required) await authenticate(line, options.authSecret)
  return granted
}

function identifyCommand(options: ResolvedConnectionOptions, request: Partial<IdentifyRequest>): Buffer {
  return identify({
    client_id: options.clientId,
    hostname: options.hostname,
    user_agent: options.userAgent,
    feature_negotiation: true,
    heartbeat_interval: options.heartbeatIntervalMs,
    ...(options.tls === undefined ? {} : { tls_v1: true }),
    ...(options.snappy ? { snappy: true } : {}),
    ...(options.deflate === 0 ? {} : { deflate: true, deflate_level: options.deflate }),
    ...request,
  })
}

function readAnswer(line: HandshakeLine, text: string): IdentifyAnswer {
  try {
    return parseIdentifyAnswer(text)
  } catch (error) {
    throw line.garbage('its answer to IDENTIFY is not a JSON object', error)
  }
}

async function startTls(
  line: HandshakeLine,
  options: NonNullable<ResolvedConnectionOptions['tls']>,
  granted: IdentifyAnswer,
): Promise<void> {
  const { address } = line
  if (!granted.tls_v1) {
    throw new NsqError('E_TLS', `nsqd ${address} does not offer TLS`, {
      remedy: 'Start it with --tls-cert and --tls-key, or connect without tls (--tls).',
    })
  }
  const endpoint = parseEndpoint(address)
  const host = 'path' in endpoint ? 'localhost' : endpoint.host
  try {
    await upgrade(line, 'TLS', clientTls(options, host))
  } catch (error) {
    // An nsqd that does not like a client's certificate may just close.
    if (error instanceof NsqError && error.code !== 'E_TLS' && error.code !== 'E_DISCONNECTED') throw error
    throw tlsError(address, error)
  }
}

async function upgrade(line: HandshakeLine, step: string, layer: Layer): Promise<void> {
  const text = await line.upgrade(step, layer)
  if (text !== 'OK') throw line.garbage(`it answered "${text.slice(0, 100)}" to the upgrade to ${step}`)
}

async function authenticate(line: HandshakeLine, secret: string | undefined): Promise<void> {
  if (secret === undefined) {
    throw new NsqError('E_AUTH_REQUIRED', `nsqd ${line.address} wants to know who connects`, {
      remedy: AUTH_REMEDY,
    })
  }
  await line.answer('AUTH', auth(secret))
}
