import { plural } from '../../units.ts'
import type { CertificateFacts, Facts, WireFacts } from '../facts.ts'
import { type Check, fail, ok, type Verdict, warn } from '../finding.ts'
import { nsqdTarget, type Port, portsOf } from '../ports.ts'

const DAY = 24 * 60 * 60 * 1000
/** Time to renew a certificate in. */
const SOON = 14 * DAY

export const tls: Check = {
  id: 'tls',
  title: 'TLS is there where it is wanted; certificates are trusted, and will be for two weeks',
  run: facts => [
    ...facts.nsqds.flatMap(nsqd =>
      nsqd.wire === undefined ? [] : judgeWire(nsqdTarget(nsqd), nsqd.wire, facts),
    ),
    ...portsOf(facts).flatMap(port => judgeHttps(port, facts)),
  ],
}

/** nsqd has no code of its own for it. */
export function isTlsDemanded(refusal: string | undefined): boolean {
  return refusal?.includes('TLS required') === true
}

function judgeWire(target: string, wire: WireFacts, facts: Facts): Verdict[] {
  const { identity, failure, certificate, refusal, address } = wire
  if (identity === undefined) return []
  if (isTlsDemanded(refusal)) {
    return [
      fail(
        target,
        'it takes clients with TLS only, and TLS was not asked for',
        'Give --tls, and with --tls-ca the authority that has signed its certificate.',
      ),
    ]
  }
  if (facts.wanted.tls && !identity.tls) {
    return [
      fail(
        target,
        'it does not offer TLS, which was asked for',
        'Start it with --tls-cert and --tls-key, or go without --tls.',
      ),
    ]
  }
  if (!identity.tls) return []
  const verdicts =
    certificate === undefined ? [] : judgeCertificate(target, `TCP ${address}`, certificate, facts)
  const isBroken = failure !== undefined && !verdicts.some(({ status }) => status === 'fail')
  return isBroken ? [fail(target, failure.message, failure.remedy ?? "nsqd's log may say why.")] : verdicts
}

function judgeHttps({ target, kind, facts: port, nsqd }: Port, facts: Facts): Verdict[] {
  const { certificate, address } = port
  if (
    kind === 'nsqd-http' &&
    nsqd?.http?.ping?.status === 403 &&
    nsqd.http.ping.text.includes('TLS_REQUIRED')
  ) {
    return [
      warn(
        target,
        `HTTP ${address} takes https only: what asks it in the clear (nsqadmin, stat) is refused`,
        'Name its HTTPS address, https://HOST:4152; or start it with --tls-required=tcp-https.',
      ),
    ]
  }
  const isWire = kind === 'nsqd-tcp'
  return certificate === undefined || isWire
    ? []
    : judgeCertificate(target, `HTTPS ${address}`, certificate, facts)
}

function judgeCertificate(
  target: string,
  what: string,
  { subject, validTo, protocol, problem }: CertificateFacts,
  { at, wanted }: Facts,
): Verdict[] {
  if (problem !== undefined) {
    const remedy =
      problem.remedy ?? 'Check its certificate, its name, and which authorities are trusted here.'
    // Who does not verify knows what may come.
    return [(wanted.verify ? fail : warn)(target, `${what}: ${problem.message}`, remedy)]
  }
  const left = validTo - at
  const days = Math.floor(left / DAY)
  const text = `${what}: ${protocol}, certificate of ${subject}`
  if (left < SOON) {
    return [
      warn(
        target,
        `${text}, which is valid for ${days < 1 ? 'less than a day' : `no more than ${plural(days, 'day')}`}`,
        'Renew the certificate, and restart what uses it.',
      ),
    ]
  }
  return [ok(target, `${text}, valid for ${days} days`)]
}
