/**
 * The commands a client sends to nsqd. A command is a line, its parameters separated by single spaces; IDENTIFY,
 * AUTH and the publishing commands go on with a sized body:
 *
 *     PUB topic\n
 *     | size u32 BE | body |
 *
 * Nothing is checked here: nsqd closes the connection on a bad name or size, so callers check first.
 */
import type { IdentifyRequest } from './identify.ts'

/** The first four bytes on a connection to nsqd. */
export const MAGIC_V2: Buffer = Buffer.from('  V2')

const NOP: Buffer = Buffer.from('NOP\n')
const CLS: Buffer = Buffer.from('CLS\n')

/** A line and one sized body. */
function sized(line: string, body: Buffer | string): Buffer {
  const lineLength = Buffer.byteLength(line)
  const bodyLength = Buffer.byteLength(body)
  const command = Buffer.allocUnsafe(lineLength + 4 + bodyLength)
  command.write(line, 0)
  command.writeUInt32BE(bodyLength, lineLength)
  writeBody(command, body, lineLength + 4)
  return command
}

function writeBody(target: Buffer, body: Buffer | string, at: number): void {
  if (typeof body === 'string') target.write(body, at)
  else body.copy(target, at)
}

/** Describes the client and asks for features; fields left out keep nsqd's defaults. */
export function identify(request: Partial<IdentifyRequest>): Buffer {
  return sized('IDENTIFY\n', JSON.stringify(request))
}

export function auth(secret: string): Buffer {
  return sized('AUTH\n', secret)
}

export function pub(topic: string, body: Buffer | string): Buffer {
  return sized(`PUB ${topic}\n`, body)
}

/**
 * Several messages at once, all or nothing. The body is
 *
 *     | count u32 BE | size u32 BE | message | size u32 BE | message …
 */
export function mpub(topic: string, bodies: readonly (Buffer | string)[]): Buffer {
  const line = `MPUB ${topic}\n`
  const lineLength = Buffer.byteLength(line)
  let bodySize = 4
  for (const body of bodies) bodySize += 4 + Buffer.byteLength(body)

  const command = Buffer.allocUnsafe(lineLength + 4 + bodySize)
  command.write(line, 0)
  command.writeUInt32BE(bodySize, lineLength)
  command.writeUInt32BE(bodies.length, lineLength + 4)
  let at = lineLength + 8
  for (const body of bodies) {
    const length = Buffer.byteLength(body)
    command.writeUInt32BE(length, at)
    writeBody(command, body, at + 4)
    at += 4 + length
  }
  return command
}

/** Publishes a message that is delivered `delayMs` milliseconds later. */
export function dpub(topic: string, delayMs: number, body: Buffer | string): Buffer {
  return sized(`DPUB ${topic} ${delayMs}\n`, body)
}

export function sub(topic: string, channel: string): Buffer {
  return Buffer.from(`SUB ${topic} ${channel}\n`)
}

/** How many messages may be in flight on this connection. */
export function rdy(count: number): Buffer {
  return Buffer.from(`RDY ${count}\n`, 'latin1')
}

export function fin(id: string): Buffer {
  return Buffer.from(`FIN ${id}\n`, 'latin1')
}

/** Gives a message back, to be delivered again after `delayMs` milliseconds. */
export function req(id: string, delayMs: number): Buffer {
  return Buffer.from(`REQ ${id} ${delayMs}\n`, 'latin1')
}

/** Restarts the timeout of a message in flight. */
export function touch(id: string): Buffer {
  return Buffer.from(`TOUCH ${id}\n`, 'latin1')
}

/** Asks for no more messages; nsqd answers CLOSE_WAIT. */
export function cls(): Buffer {
  return CLS
}

/** Does nothing: the answer to a heartbeat. */
export function nop(): Buffer {
  return NOP
}
