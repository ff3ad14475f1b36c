/** A TCP address. An empty host means every interface when listening. */
export interface Address {
  host: string
  port: number
}

// [host]:port, [host], host:port, host
const ADDRESS = /^(?:\[([^\][]*)\]|([^:\][\s]*))(?::(\d+))?$/

/**
 * Reads `host:port`, `:port` or `[IPv6]:port`; the port may be missing when a default is given.
 *
 * @throws RangeError naming the text when it is not an address.
 */
export function parseAddress(text: string, defaultPort?: number): Address {
  const match = ADDRESS.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = match?.[3] === undefined ? defaultPort : Number(match[3])
  if (text !== '' && host !== undefined && port !== undefined && port <= 65_535) return { host, port }
  throw new RangeError(`"${text}" is not an address: write it like ${example(text, defaultPort)}`)
}

function example(text: string, defaultPort = 4150): string {
  const isBareIPv6 = (text.match(/:/g)?.length ?? 0) > 1 && !text.includes('[')
  return isBareIPv6 ? `[::1]:${defaultPort}` : `127.0.0.1:${defaultPort}`
}

/** Where a Unix socket lies in the file system. */
export interface SocketPath {
  path: string
}

/** Where one can listen, and connect to: over TCP, or through a Unix socket. */
export type Endpoint = Address | SocketPath

/**
 * Reads what has a slash as the path of a Unix socket, and anything else as `parseAddress` does.
 *
 * @throws RangeError naming the text when it is neither.
 */
export function parseEndpoint(text: string, defaultPort?: number): Endpoint {
  return text.includes('/') ? { path: text } : parseAddress(text, defaultPort)
}

/** Writes what `parseEndpoint` reads. */
export function formatEndpoint(endpoint: Endpoint): string {
  return 'path' in endpoint ? endpoint.path : formatAddress(endpoint)
}

/** Writes an address as `host:port`, with brackets around an IPv6 host. */
export function formatAddress({ host, port }: Address): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}
