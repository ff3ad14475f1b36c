import { AUTH_REMEDY } from '../../../client/errors.ts'
import { formatDuration } from '../../../util/duration.ts'
import { formatCount } from '../../units.ts'
import type { Facts, IdentityFacts, WireFacts } from '../facts.ts'
import { type Check, fail, ok, type Verdict } from '../finding.ts'
import { nsqdTarget } from '../ports.ts'
import { isTlsDemanded } from './tls.ts'

export const protocol: Check = {
  id: 'protocol',
  title: 'nsqd answers to its own protocol (IDENTIFY)',
  run: facts => wires(facts).flatMap(([target, wire]) => judgeProtocol(target, wire)),
}

function judgeProtocol(target: string, wire: WireFacts): Verdict[] {
  const { identity, isConnected, service, failure, refusal, certificate, auth } = wire
  if (!isConnected) return []
  // Something else is there.
  if (service !== undefined && service !== 'nsqd-tcp') return []
  if (identity === undefined) {
    const what =
      refusal === undefined ? (failure?.message ?? 'it does not answer') : `it answers "${refusal}"`
    return [
      fail(
        target,
        `TCP ${wire.address} takes connections, but not NSQ's protocol: ${what}`,
        "Check that it is nsqd's TCP port (usually 4150), and that nsqd is not stuck: its log may say why.",
      ),
    ]
  }
  const isOfTls = identity.tls && (certificate === undefined || failure !== undefined)
  if (refusal !== undefined && auth !== 'refused' && !isTlsDemanded(refusal)) {
    return [fail(target, `it refuses this client: ${refusal}`, "nsqd's log may say more.")]
  }
  if (failure !== undefined && !isOfTls) {
    return [fail(target, `the conversation broke off: ${failure.message}`, "nsqd's log may say why.")]
  }
  return [ok(target, describe(identity))]
}

function describe({ maxRdyCount, msgTimeout }: IdentityFacts): string {
  const limits = [
    ...(maxRdyCount === undefined ? [] : [`at most RDY ${formatCount(maxRdyCount)}`]),
    ...(msgTimeout === undefined ? [] : [`messages time out after ${formatDuration(msgTimeout)}`]),
  ]
  return ['it speaks V2', ...limits].join(', ')
}

export const auth: Check = {
  id: 'auth',
  title: 'nsqd lets this client in, where it wants to know who connects',
  run: facts =>
    wires(facts).flatMap(([target, { auth: outcome, refusal = '' }]): Verdict[] => {
      if (outcome === undefined) return []
      if (outcome === 'accepted') return [ok(target, 'the secret is accepted')]
      if (outcome === 'no secret') {
        return [fail(target, 'it wants a secret (AUTH), and none was given', AUTH_REMEDY)]
      }
      return [
        fail(
          target,
          `the secret is refused: ${refusal}`,
          "Check the secret (NSQ_AUTH_SECRET), and nsqd's auth server: nsqd's log says what it answered.",
        ),
      ]
    }),
}

function wires({ nsqds }: Facts): [target: string, wire: WireFacts][] {
  return nsqds.flatMap(nsqd => (nsqd.wire === undefined ? [] : [[nsqdTarget(nsqd), nsqd.wire]]))
}
