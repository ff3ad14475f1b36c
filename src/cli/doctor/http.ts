/** Conversations with the HTTP APIs of daemons. */
import { baseUrl, get } from '../../cluster/ask.ts'
import { listNodes } from '../../cluster/lookup.ts'
import { object, strings, text } from '../../cluster/shape.ts'
import { type NsqdAbout, nsqdAbout, nsqdStats } from '../../cluster/stats.ts'
import { tombstones } from '../../cluster/tombstones.ts'
import { type HttpReply, HttpRequestError, request } from '../../http/request.ts'
import { formatAddress } from '../../util/address.ts'
import { certificateOf, tolerantTls } from './certificate.ts'
import type { HttpFacts, LookupdFacts, NsqdConfigFacts, NsqdHttpFacts, Service } from './facts.ts'
import { failureOf } from './failure.ts'
import { resolveName } from './names.ts'
import { noAddress, openPort } from './port.ts'
import type { ProbeOptions } from './probe-options.ts'
import { serviceOfError } from './service.ts'

/** An option that the official nsqd does not have. */
const OURS = 'durability'

/** @param address - `host:port`, or a URL */
export async function probeNsqdHttp(address: string, options: ProbeOptions): Promise<NsqdHttpFacts> {
  const facts = await probe(address, options)
  if (facts.failure !== undefined || facts.service !== 'nsqd-http')
    return { ...facts, config: { isOurs: false } }
  const ask = asking(options)
  const [about, stats, config] = await Promise.all([
    nsqdAbout(address, ask).catch(() => undefined),
    nsqdStats(address, {}, ask).catch(failureOf),
    readConfig(address, options),
  ])
  return {
    ...facts,
    config,
    ...(about === undefined ? {} : { about }),
    ...('node' in stats ? { stats } : { statsFailure: stats }),
  }
}

export async function probeLookupd(address: string, options: ProbeOptions): Promise<LookupdFacts> {
  const facts = await probe(address, options)
  if (facts.failure !== undefined || facts.service === 'nsqd-http') return facts
  const ask = asking(options)
  const [nodes, hidden] = await Promise.all([
    listNodes([address], ask).catch(failureOf),
    tombstones([address], ask).catch(() => undefined),
  ])
  const isTold = hidden?.value.unsupported.length === 0
  return {
    ...facts,
    ...('value' in nodes
      ? { nodes: nodes.value, service: 'nsqlookupd-http' as const }
      : { nodesFailure: nodes }),
    ...(isTold ? { tombstones: hidden.value.list } : {}),
  }
}

/** What the nsqd says of itself that answers there; undefined when none does. */
export function whoAnswers(address: string, options: ProbeOptions): Promise<NsqdAbout | undefined> {
  return nsqdAbout(address, asking(options)).catch(() => undefined)
}

export interface AskOptions {
  connectTimeoutMs: number
  requestTimeoutMs: number
  signal: AbortSignal
  tls: ProbeOptions['tls']
}

export function asking({ timeoutMs, signal, tls }: ProbeOptions): AskOptions {
  return { connectTimeoutMs: timeoutMs, requestTimeoutMs: timeoutMs, signal, tls }
}

async function probe(address: string, options: ProbeOptions): Promise<HttpFacts> {
  let url: URL
  try {
    url = new URL(baseUrl(address))
  } catch (error) {
    return noAddress(address, error)
  }
  const host = url.hostname.replace(/^\[|\]$/g, '')
  const name = await resolveName(host, options.timeoutMs)
  if (name.failure !== undefined) return { address, name, isConnected: false, failure: name.failure }
  const certificate = url.protocol === 'https:' ? await probeCertificate(url, host, options) : {}
  const before = Date.now()
  let reply: HttpReply
  try {
    reply = await request('GET', `${baseUrl(address)}/ping`, { ...asking(options), fresh: true })
  } catch (error) {
    const service = serviceOfError(error)
    const isConnected = !(error instanceof HttpRequestError && error.isUnsent) || 'certificate' in certificate
    const seen = service === undefined ? {} : { service }
    return { address, name, isConnected, ...certificate, ...seen, failure: failureOf(error) }
  }
  const after = Date.now()
  const clock = clockOf(reply.date, before, after)
  return {
    address,
    name,
    isConnected: true,
    ...certificate,
    ms: after - before,
    ping: { status: reply.status, text: reply.body.toString('utf8', 0, 200).trim() },
    ...(clock === undefined ? {} : { clock }),
    ...(await identify(address, options)),
  }
}

/** The second in which the server wrote its answer lies between our question and what we have heard. */
function clockOf(date: string | undefined, before: number, after: number): HttpFacts['clock'] {
  const at = date === undefined ? Number.NaN : Date.parse(date)
  return Number.isNaN(at) ? undefined : { min: at - after, max: at + 1000 - before }
}

/** `/info` of nsqd has its ports, that of nsqlookupd only a version, and nsqadmin has none. */
async function identify(
  address: string,
  options: ProbeOptions,
): Promise<{ service: Service; version?: string }> {
  const ask = asking(options)
  try {
    return await get(address, '/info', ask, reply => {
      const info = object(reply, 'the reply')
      const version = text(info['version'], 'version')
      const isNsqd = info['tcp_port'] !== undefined || info['broadcast_address'] !== undefined
      return { service: isNsqd ? 'nsqd-http' : 'nsqlookupd-http', version }
    })
  } catch {
    const page = await request('GET', `${baseUrl(address)}/`, { ...ask, maxReplySize: 1024 * 1024 }).catch(
      () => undefined,
    )
    return { service: page !== undefined && /nsqadmin/i.test(page.body.toString()) ? 'nsqadmin' : 'http' }
  }
}

async function probeCertificate(
  url: URL,
  host: string,
  options: ProbeOptions,
): Promise<Pick<HttpFacts, 'certificate'>> {
  const address = formatAddress({ host, port: url.port === '' ? 443 : Number(url.port) })
  // The name that an nsqd's certificate has is not that of its HTTP API.
  const { serverName: _, ...tls } = options.tls
  const facts = await openPort(address, options, async (talk, port) => {
    const stream = await talk.upgrade(tolerantTls(tls, host)).catch(() => undefined)
    const certificate = stream === undefined ? undefined : certificateOf(stream, address)
    return certificate === undefined ? port : { ...port, certificate }
  })
  return facts.certificate === undefined ? {} : { certificate: facts.certificate }
}

/** An option that is not told, by an old nsqd or through a proxy, is left out. */
async function readConfig(address: string, options: ProbeOptions): Promise<NsqdConfigFacts> {
  const read = async (name: string): Promise<string | undefined> => {
    const url = `${baseUrl(address)}/config/${name}`
    const reply = await request('GET', url, asking(options)).catch(() => undefined)
    return reply?.status === 200 ? reply.body.toString() : undefined
  }
  const [lookupds, dataPath, maxMsgSize, ours] = await Promise.all(
    ['nsqlookupd_tcp_addresses', 'data_path', 'max_msg_size', OURS].map(read),
  )
  const addresses = parseAddresses(lookupds)
  const size = Number(maxMsgSize ?? 'none')
  return {
    isOurs: ours !== undefined,
    ...(addresses === undefined ? {} : { lookupds: addresses }),
    ...(dataPath === undefined ? {} : { dataPath }),
    ...(Number.isSafeInteger(size) ? { maxMsgSize: size } : {}),
  }
}

/** A JSON list; Go writes an empty one as null. */
function parseAddresses(json: string | undefined): string[] | undefined {
  if (json === undefined) return undefined
  try {
    return strings(JSON.parse(json), 'nsqlookupd_tcp_addresses')
  } catch {
    return undefined
  }
}
