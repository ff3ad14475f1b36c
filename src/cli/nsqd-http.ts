import { nsqdPorts, type NsqdOptions } from '../cluster/stats.ts'
import { formatAddress, parseAddress } from '../util/address.ts'

/**
 * Where the HTTP API of an nsqd is that is known by its address for clients: usually one port further, and its word that it
 * is the one counts. Undefined when it is not there, or cannot be asked.
 */
export async function httpOfNsqd(tcp: string, options: NsqdOptions): Promise<string | undefined> {
  // The path of a socket.
  if (tcp.includes('/')) return undefined
  try {
    const { host, port } = parseAddress(tcp)
    const http = formatAddress({ host, port: port + 1 })
    const { tcpPort } = await nsqdPorts(http, options)
    return tcpPort === port ? http : undefined
  } catch {
    return undefined
  }
}
