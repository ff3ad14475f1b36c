import type { NsqdAbout } from '../../cluster/stats.ts'
import { isSame } from './elsewhere.ts'
import type { NsqdFacts } from './facts.ts'

/**
 * Every nsqd once, though it was named in several ways: by `localhost` and by `127.0.0.1`, or by a name of the user's and
 * by another at nsqlookupd. Else it would seem not to be registered, and its messages would count twice.
 */
export function mergeSame(nsqds: readonly NsqdFacts[]): NsqdFacts[] {
  // Those that are registered are told apart already.
  const merged = nsqds.filter(({ registered }) => registered !== undefined)
  for (const nsqd of nsqds.filter(({ registered }) => registered === undefined)) {
    const index = merged.findIndex(known => areSame(known, nsqd))
    const known = merged[index]
    if (known === undefined) merged.push(nsqd)
    else merged[index] = merge(known, nsqd)
  }
  return merged
}

function areSame(known: NsqdFacts, { http, wire }: NsqdFacts): boolean {
  const about = http?.about
  if (about === undefined || about.tcpPort === 0 || about.broadcastAddress === '') return false
  // What is wrong at this address of it would not be told.
  if (wire !== undefined && wire.identity === undefined) return false
  const knownAbout = known.http?.about
  if (knownAbout === undefined) return known.registered !== undefined && isSame(about, known)
  return SAID.every(key => about[key] === knownAbout[key])
}

/** Together they are of one process. */
const SAID: readonly (keyof NsqdAbout)[] = [
  'hostname',
  'broadcastAddress',
  'tcpPort',
  'httpPort',
  'startTime',
]

function merge(known: NsqdFacts, other: NsqdFacts): NsqdFacts {
  const http = known.http?.about === undefined ? other.http : known.http
  return {
    ...known,
    isGiven: known.isGiven || other.isGiven,
    reachableAt: [...known.reachableAt, ...(other.wire === undefined ? [] : [other.wire.address])],
    ...(http === undefined ? {} : { http }),
  }
}
