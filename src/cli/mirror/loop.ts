/** Whether what is published would come back: then a few messages would fill every disk. */
import { lookup } from 'node:dns/promises'
import { realpath } from 'node:fs/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { listNodes, type LookupOptions } from '../../cluster/lookup.ts'
import { nsqdAbout } from '../../cluster/stats.ts'
import { formatAddress, parseAddress } from '../../util/address.ts'
import { NsqError } from '../../util/errors.ts'

/** One side: nsqds by their TCP addresses, and nsqlookupds that know more. */
export interface Side {
  readonly nsqd: readonly string[]
  readonly lookupd: readonly string[]
  readonly asking: LookupOptions
}

/** How long an nsqd may take to say who it is: those that do not are taken to be what they are called. */
const PATIENCE_MS = 1000

/**
 * Looks for an nsqd that is on both sides. An nsqd is known by what its name leads to, and by what it says of itself over
 * HTTP, at the address that nsqlookupd has or at the port after that of TCP.
 *
 * @throws NsqError `E_LOOP` naming it
 */
export async function refuseLoop(topics: readonly string[], source: Side, destination: Side): Promise<void> {
  if (topics.length === 0) return
  const [from, to] = await Promise.all([placesOf(source), placesOf(destination)])
  for (const place of to) {
    const same = from.find(other => [...other.marks].some(mark => place.marks.has(mark)))
    if (same === undefined) continue
    const alias = same.name === place.name ? '' : ` (${same.name} and ${place.name} are the same)`
    throw new NsqError(
      'E_LOOP',
      `nsqd ${place.name} is on both sides${alias}: what is published to ${topics.join(', ')} there would be mirrored again`,
      { remedy: 'Publish to another topic with --destination-topic, or to other nsqds.' },
    )
  }
}

/** How often it is looked whether there are other nsqds than before. */
const LOOK_MS = 5000

/**
 * Looks for an nsqd that turns out later to be on both sides, as when nsqlookupd did not know it at first. Resolves when the
 * signal is aborted.
 *
 * @param source - the nsqds that are connected to read from, each time
 * @param destination - those that have taken messages
 * @throws NsqError as `refuseLoop`
 */
export async function watchForLoop(
  topics: readonly string[],
  source: () => Side,
  destination: () => Side,
  signal: AbortSignal,
  lookMs = LOOK_MS,
): Promise<void> {
  let known = ''
  while (!signal.aborted) {
    await sleep(lookMs, undefined, { signal }).catch(() => {})
    const [from, to] = [source(), destination()]
    const now = [...from.nsqd, '', ...to.nsqd].join()
    if (now === known) continue
    known = now
    await refuseLoop(topics, from, to)
  }
}

interface Place {
  /** As it was named. */
  readonly name: string
  /** What it is known by: two places that have one in common are the same nsqd. */
  readonly marks: ReadonlySet<string>
}

async function placesOf({ nsqd, lookupd, asking }: Side): Promise<Place[]> {
  const http = new Map<string, string | undefined>(nsqd.map(tcp => [tcp, undefined]))
  if (lookupd.length > 0) {
    // One that does not answer now will be heard by the client, which says so.
    const nodes = await listNodes(lookupd, asking).catch(() => undefined)
    for (const { tcpAddress, httpAddress } of nodes?.value ?? []) http.set(tcpAddress, httpAddress)
  }
  return Promise.all(
    Array.from(http, async ([name, address]) => {
      const [wheres, who] = await Promise.all([locationsOf(name), identityOf(name, address, asking)])
      return { name, marks: new Set([...wheres, ...who]) }
    }),
  )
}

/** `ip:port`, with one word for all addresses of this machine. */
async function locationsOf(tcp: string): Promise<string[]> {
  if (tcp.includes('/')) return [await realpath(tcp).catch(() => tcp)]
  const { host, port } = parseAddress(tcp, 4150)
  const name = host === '' ? '127.0.0.1' : host
  const found = isIP(name) === 0 ? await lookup(name, { all: true }).catch(() => []) : [{ address: name }]
  return found.map(({ address }) =>
    isHere(address) ? `here:${port}` : formatAddress({ host: address, port }),
  )
}

function isHere(ip: string): boolean {
  if (ip.startsWith('127.') || ip === '::1') return true
  return Object.values(networkInterfaces()).some(all => all?.some(({ address }) => address === ip))
}

/** What it says of itself, if it says so much that no other one says the same. */
async function identityOf(tcp: string, http: string | undefined, { tls }: LookupOptions): Promise<string[]> {
  if (http === undefined && tcp.includes('/')) return []
  const { host, port } = http === undefined ? parseAddress(tcp, 4150) : { host: '', port: 0 }
  const address = http ?? formatAddress({ host: host === '' ? '127.0.0.1' : host, port: port + 1 })
  try {
    const about = await nsqdAbout(address, {
      connectTimeoutMs: PATIENCE_MS,
      requestTimeoutMs: PATIENCE_MS,
      ...(tls === undefined ? {} : { tls }),
    })
    const { hostname, broadcastAddress, tcpPort, startTime } = about
    if (hostname === '' || startTime === 0) return []
    return [JSON.stringify([hostname, broadcastAddress, tcpPort, startTime])]
  } catch {
    return []
  }
}
