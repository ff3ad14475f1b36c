import { ProtocolError } from '../protocol/errors.ts'

/** What an nsqd says of itself in IDENTIFY. */
export interface Identity {
  hostname: string
  broadcastAddress: string
  tcpPort: number
  httpPort: number
  version: string
  topologyZone: string
  topologyRegion: string
}

/** Reads the JSON of an IDENTIFY; ProtocolError E_BAD_BODY when it cannot be read or lacks something. */
export function parseIdentity(bytes: Buffer, start: number, end: number): Identity {
  const fields = parseFields(bytes.toString('utf8', start, end))
  const identity = {
    hostname: stringField(fields, 'hostname'),
    broadcastAddress: stringField(fields, 'broadcast_address'),
    tcpPort: portField(fields, 'tcp_port'),
    httpPort: portField(fields, 'http_port'),
    version: stringField(fields, 'version'),
    topologyZone: stringField(fields, 'topology_zone'),
    topologyRegion: stringField(fields, 'topology_region'),
  }
  const { broadcastAddress, tcpPort, httpPort, version } = identity
  if (broadcastAddress === '' || tcpPort === 0 || httpPort === 0 || version === '') {
    throw new ProtocolError('E_BAD_BODY', 'IDENTIFY missing fields')
  }
  return identity
}

function parseFields(text: string): ReadonlyMap<string, unknown> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw undecodable(cause)
  }
  if (typeof value !== 'object' || Array.isArray(value)) throw undecodable()
  return new Map(Object.entries(value ?? {}))
}

function stringField(fields: ReadonlyMap<string, unknown>, name: string): string {
  const value = fields.get(name) ?? ''
  if (typeof value !== 'string') throw undecodable()
  return value
}

function portField(fields: ReadonlyMap<string, unknown>, name: string): number {
  const value = fields.get(name) ?? 0
  if (typeof value !== 'number' || !Number.isInteger(value)) throw undecodable()
  return value
}

function undecodable(cause?: unknown): ProtocolError {
  return new ProtocolError('E_BAD_BODY', 'IDENTIFY failed to decode JSON body', { cause })
}
