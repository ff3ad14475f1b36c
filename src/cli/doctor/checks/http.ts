import type { Facts, HttpFacts, LookupdFacts, NsqdFacts, NsqdHttpFacts } from '../facts.ts'
import { type Check, fail, ok, skip, type Verdict, warn } from '../finding.ts'
import { lookupdTarget, nsqdTarget } from '../ports.ts'

/** An answer that takes longer than this is slow, wherever it comes from. */
const SLOW_MS = 1000
/** Clocks that are less apart are together, for what they are used for here. */
const SKEW_MS = 1000

interface Api {
  readonly target: string
  readonly daemon: 'nsqd' | 'nsqlookupd'
  readonly facts: HttpFacts &
    Partial<Pick<NsqdHttpFacts, 'statsFailure'> & Pick<LookupdFacts, 'nodesFailure'>>
}

function apis({ lookupds, nsqds }: Facts): Api[] {
  return [
    ...lookupds.map(facts => ({
      target: lookupdTarget(facts.address),
      daemon: 'nsqlookupd' as const,
      facts,
    })),
    ...nsqds.flatMap(nsqd =>
      nsqd.http === undefined
        ? []
        : [{ target: nsqdTarget(nsqd), daemon: 'nsqd' as const, facts: nsqd.http }],
    ),
  ]
}

export const http: Check = {
  id: 'http',
  title: 'HTTP APIs answer as they should, and soon',
  run: facts => [...apis(facts).flatMap(judge), ...facts.nsqds.flatMap(unasked)],
}

function judge({ target, daemon, facts }: Api): Verdict[] {
  const { isConnected, service, failure, ms = 0, address, certificate } = facts
  // Another check has said it.
  const isOther = service !== undefined && service !== `${daemon}-http`
  if (!isConnected || isOther || certificate?.problem !== undefined) return []
  const { message, remedy } = failure ?? facts.statsFailure ?? facts.nodesFailure ?? {}
  if (message !== undefined) {
    return [
      fail(
        target,
        message,
        remedy ?? `Check that it is the HTTP address of an ${daemon}; its log may say why.`,
      ),
    ]
  }
  if (ms > SLOW_MS) {
    return [
      warn(
        target,
        `HTTP ${address} took ${ms} ms to answer`,
        'Look at the load of its machine, at its disk, and at the network in between.',
      ),
    ]
  }
  return [ok(target, `HTTP ${address} answers after ${ms} ms`)]
}

/** Its TCP port says nothing of where it is. */
function unasked(nsqd: NsqdFacts): Verdict[] {
  if (nsqd.http !== undefined || nsqd.wire?.identity === undefined) return []
  const what = 'its HTTP address is not known: with --nsqd-http-address more can be seen'
  return [skip(nsqdTarget(nsqd), what)]
}

/** What an nsqd says of itself when that is all that is wrong. */
const DRAINING = /^\W*(?:message\W+)?NOK - draining/

export const health: Check = {
  id: 'health',
  title: 'Daemons say that they are well',
  run: facts =>
    apis(facts).flatMap(({ target, daemon, facts: { ping, service } }): Verdict[] => {
      const isMeant = service === `${daemon}-http` && ping !== undefined
      // Without TLS there is no word of its health.
      if (!isMeant || (ping.status === 403 && ping.text.includes('TLS_REQUIRED'))) return []
      if (ping.status === 200) return [ok(target, 'it says that it is well')]
      if (DRAINING.test(ping.text)) {
        const remedy = 'It is being taken out of service. If it is not: POST /undrain, or restart it.'
        return [warn(target, `it takes no messages: ${ping.text}`, remedy)]
      }
      return [
        fail(
          target,
          `it is not well: ${ping.text || `status ${ping.status}`}`,
          'Most often its disk is full, or not writable: look at its log, and at the folder of its --data-path.',
        ),
      ]
    }),
}

export const clock: Check = {
  id: 'clock',
  title: 'Clocks are together, to within a second',
  run: facts =>
    apis(facts).flatMap(({ target, daemon, facts: { clock: ahead, service } }): Verdict[] => {
      if (ahead === undefined || service !== `${daemon}-http`) return []
      const { min, max } = ahead
      // Its clock is somewhere between the two: only what is certain counts.
      const certain = min > 0 ? min : max < 0 ? -max : 0
      if (certain <= SKEW_MS) return [ok(target, 'its clock is that of this machine')]
      const direction = min > 0 ? 'ahead of' : 'behind'
      return [
        warn(
          target,
          `its clock is at least ${(certain / 1000).toFixed(1)} s ${direction} that of this machine`,
          'Let NTP set the clocks of both machines (timedatectl set-ntp true): times of messages, and certificates, go by them.',
        ),
      ]
    }),
}
