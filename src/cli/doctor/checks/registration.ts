import type { Facts, LookupdFacts, NsqdFacts } from '../facts.ts'
import { type Check, fail, ok, type Verdict, warn } from '../finding.ts'
import { lookupdTarget, nsqdTarget } from '../ports.ts'

export const registration: Check = {
  id: 'registration',
  title: 'Every nsqd is registered at every nsqlookupd',
  run: facts => {
    // Those that have not answered say nothing of who is missing.
    const asked = facts.lookupds.filter(({ nodes }) => nodes !== undefined)
    return [
      ...facts.nsqds.flatMap(nsqd => judge(nsqd, asked, facts)),
      ...asked.filter(({ nodes }) => nodes?.length === 0).map(({ address }) => nobody(address)),
    ]
  },
}

function nobody(address: string): Verdict {
  return warn(
    lookupdTarget(address),
    'no nsqd is registered here',
    'Start nsqd with --lookupd-tcp-address set to the TCP address of this nsqlookupd (usually port 4160).',
  )
}

function judge(nsqd: NsqdFacts, asked: readonly LookupdFacts[], facts: Facts): Verdict[] {
  const target = nsqdTarget(nsqd)
  const { registered, http } = nsqd
  const told = http?.config.lookupds
  if (asked.length === 0) return told === undefined ? [] : judgeTold(target, told, facts)
  if (registered === undefined) {
    // What is no nsqd need not be there.
    if (nsqd.wire?.identity === undefined && http?.about === undefined) return []
    const names = asked.map(({ address }) => address).join(', ')
    const message = `it is not registered at nsqlookupd ${names}: consumers that look there do not find it`
    const isTold = told !== undefined && told.length > 0
    return [
      isTold
        ? fail(target, `${message}; it was told to register at ${told.join(', ')}`, TOLD)
        : warn(
            target,
            message,
            'Start it with --lookupd-tcp-address for each nsqlookupd (usually port 4160).',
          ),
    ]
  }
  const known = new Set(registered.registrations.map(({ lookupd }) => lookupd))
  const missing = asked.filter(({ address }) => !known.has(address)).map(({ address }) => address)
  if (missing.length === 0)
    return [ok(target, `registered at ${asked.length} of ${asked.length} nsqlookupds`)]
  return [
    warn(
      target,
      `it is not registered at nsqlookupd ${missing.join(', ')}, but at ${[...known].join(', ')}`,
      told === undefined
        ? 'Start it with --lookupd-tcp-address for each nsqlookupd.'
        : `It was told to register at ${told.join(', ') || 'none'}: start it with --lookupd-tcp-address for each nsqlookupd.`,
    ),
  ]
}

const TOLD =
  'Check that these are the TCP addresses (usually port 4160) of the nsqlookupds that are asked, and that it reaches ' +
  'them: its log says whether.'

/** Without any nsqlookupd to ask, whether those that it was told of are there. */
function judgeTold(target: string, told: readonly string[], { registrars }: Facts): Verdict[] {
  const away = registrars.filter(
    ({ address, service }) => told.includes(address) && service !== 'nsqlookupd-tcp',
  )
  if (away.length > 0 || told.length === 0) return []
  return [ok(target, `it registers at nsqlookupd ${told.join(', ')}`)]
}
