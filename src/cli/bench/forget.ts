/** An nsqlookupd remembers the name of a topic when its last nsqd has deleted it. */
import { type AskOptions, baseUrl } from '../../cluster/ask.ts'
import { requestJson } from '../../http/request.ts'
import { formatAddress, parseEndpoint } from '../../util/address.ts'

/**
 * Makes the nsqlookupds forget a topic that an nsqd has told them about. It names their TCP addresses; their HTTP API is
 * expected at the next port, as official ones have it, and is asked first whether it knows the topic. Never rejects: from
 * here it may be out of reach, and nothing but a name stays then.
 *
 * @param nsqd - HTTP address
 * @param topic - with a name that nobody else uses
 */
export async function forgetTopic(nsqd: string, topic: string, ask: AskOptions): Promise<void> {
  const query = `topic=${encodeURIComponent(topic)}`
  const forget = async (address: string): Promise<void> => {
    const endpoint = parseEndpoint(address, 4160)
    if ('path' in endpoint) return
    const url = baseUrl(formatAddress({ ...endpoint, port: endpoint.port + 1 }))
    const known = await requestJson('GET', `${url}/lookup?${query}`, ask)
    if (typeof known !== 'object' || known === null || !('producers' in known)) return
    await requestJson('POST', `${url}/topic/delete?${query}`, ask)
  }
  const told = await requestJson('GET', `${baseUrl(nsqd)}/config/nsqlookupd_tcp_addresses`, ask).catch(
    () => undefined,
  )
  const addresses = Array.isArray(told) ? told.filter(address => typeof address === 'string') : []
  await Promise.allSettled(addresses.map(forget))
}
