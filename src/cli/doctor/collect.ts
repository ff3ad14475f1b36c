import { parseAddress, parseEndpoint } from '../../util/address.ts'
import { httpOfNsqd } from '../nsqd-http.ts'
import { atMost } from './at-most.ts'
import { lookAtBacklogs } from './backlogs.ts'
import { elsewhere } from './elsewhere.ts'
import type {
  ConfigurationFacts,
  Facts,
  NameFacts,
  NsqdFacts,
  NsqdHttpFacts,
  PortFacts,
  RegistrarFacts,
} from './facts.ts'
import { asking, probeLookupd, probeNsqdHttp } from './http.ts'
import { lookAtMachine } from './machine.ts'
import { resolveName } from './names.ts'
import type { ProbeOptions } from './probe-options.ts'
import { probeRegistrar } from './registrar.ts'
import { mergeSame } from './same.ts'
import { mergeSubjects, type Subject } from './subjects.ts'
import { probeNsqd } from './wire.ts'

/** Daemons that are talked to at a time: each takes a few connections. */
const AT_ONCE = 32

/** What is going on, for people. */
export interface Progress {
  total: number
  done: number
}

/** Asks everybody. Never rejects: who does not answer is a fact. */
export async function collect(
  configuration: ConfigurationFacts,
  options: ProbeOptions,
  progress: Progress,
): Promise<Facts> {
  const named = (kind: string): string[] =>
    configuration.located.filter(each => each.kind === kind).map(({ address }) => address)
  const counted = async <T>(work: Promise<T>): Promise<T> => {
    const result = await work
    progress.done++
    return result
  }
  progress.total = configuration.located.length

  const [lookupds, given] = await Promise.all([
    atMost(AT_ONCE, named('nsqlookupd'), address => counted(probeLookupd(address, options))),
    atMost(AT_ONCE, named('nsqd-http'), address => counted(probeNsqdHttp(address, options))),
  ])
  const subjects = mergeSubjects({
    nodes: lookupds.flatMap(({ nodes = [] }) => nodes),
    given,
    tcp: named('nsqd-tcp'),
  })
  progress.total = progress.done + subjects.length
  const nsqds = mergeSame(await atMost(AT_ONCE, subjects, subject => counted(look(subject, options))))

  const [registrars, machine, backlogs, found] = await Promise.all([
    lookAtRegistrars(nsqds, options),
    lookAtMachine(nsqds),
    lookAtBacklogs(nsqds, AT_ONCE, options),
    atMost(AT_ONCE, nsqds, nsqd => elsewhere(nsqd, lookupds, options)),
  ])
  const facts: Facts = {
    configuration,
    machine,
    lookupds,
    registrars,
    nsqds: nsqds.map((nsqd, index) => ({
      ...nsqd,
      reachableAt: [...new Set([...nsqd.reachableAt, ...(found[index] ?? [])])],
    })),
    backlogs,
    wanted: { tls: options.wantsTls, verify: options.tls.verify, secret: options.secret !== undefined },
    at: Date.now(),
  }
  return configuration.isAssumed ? withoutAbsent(facts) : facts
}

async function look(subject: Subject, options: ProbeOptions): Promise<NsqdFacts> {
  const { tcp, http, name, isGiven, registered } = subject
  const [wire, found] = await Promise.all([
    tcp === undefined ? undefined : probeNsqd(tcp, options, isGiven ? parseEndpoint : parseAddress),
    subject.api ?? lookAtHttp(http, tcp, options),
  ])
  // The one port was given for the other.
  const isHttp = found === undefined && tcp !== undefined && wire?.service === 'http'
  const api = isHttp ? await probeNsqdHttp(tcp, options) : found
  const broadcast = registered === undefined ? await broadcastName(api, options) : undefined
  return {
    name,
    isGiven,
    reachableAt: [],
    ...(registered === undefined ? {} : { registered }),
    ...(wire === undefined ? {} : { wire }),
    ...(api === undefined ? {} : { http: api }),
    ...(broadcast === undefined ? {} : { broadcast }),
  }
}

/** Of an nsqd that registers somewhere. */
async function broadcastName(
  api: NsqdHttpFacts | undefined,
  { timeoutMs }: ProbeOptions,
): Promise<NameFacts | undefined> {
  const address = api?.about?.broadcastAddress ?? ''
  const isTold = (api?.config.lookupds ?? []).length > 0
  return isTold && address !== '' ? resolveName(address, timeoutMs) : undefined
}

/** Where the address is not known, it is usually one port further. */
async function lookAtHttp(
  http: string | undefined,
  tcp: string | undefined,
  options: ProbeOptions,
): Promise<NsqdHttpFacts | undefined> {
  const address = http ?? (tcp === undefined ? undefined : await httpOfNsqd(tcp, asking(options)))
  return address === undefined ? undefined : probeNsqdHttp(address, options)
}

async function lookAtRegistrars(
  nsqds: readonly NsqdFacts[],
  options: ProbeOptions,
): Promise<RegistrarFacts[]> {
  const told = new Map<string, string[]>()
  for (const { name, http } of nsqds) {
    for (const address of http?.config.lookupds ?? []) told.set(address, [...(told.get(address) ?? []), name])
  }
  return atMost(AT_ONCE, [...told], async ([address, names]) => ({
    ...(await probeRegistrar(address, options)),
    nsqds: names,
  }))
}

/** Of what was only tried, where there is nothing is nothing wrong: not everybody runs nsqlookupd. */
function withoutAbsent(facts: Facts): Facts {
  const lookupds = facts.lookupds.filter(isThere)
  const nsqds = facts.nsqds.filter(
    ({ registered, wire, http }) =>
      registered !== undefined || [wire, http].some(port => port !== undefined && isThere(port)),
  )
  return { ...facts, lookupds, nsqds }
}

function isThere({ failure }: Pick<PortFacts, 'failure'>): boolean {
  return failure?.code !== 'ECONNREFUSED'
}
