/** A conversation with nsqlookupd's TCP port, where nsqds register. */
import { LookupReplyReader, MAGIC_V1, ping } from '../../protocol/lookup.ts'
import type { PortFacts } from './facts.ts'
import { failureOf } from './failure.ts'
import { openPort } from './port.ts'
import type { ProbeOptions } from './probe-options.ts'
import { serviceOf, serviceSeen } from './service.ts'
import type { Taken, Talk } from './talk.ts'

export function probeRegistrar(address: string, options: ProbeOptions): Promise<PortFacts> {
  return openPort(address, options, converse)
}

async function converse(talk: Talk, facts: PortFacts): Promise<PortFacts> {
  try {
    talk.write(MAGIC_V1)
    talk.write(ping())
    const answer = await talk.read(reply)
    return { ...facts, service: answer === 'OK' ? 'nsqlookupd-tcp' : serviceOf(talk.head) }
  } catch (error) {
    return { ...facts, ...serviceSeen(talk.head, error), failure: failureOf(error) }
  }
}

function reply(bytes: Buffer): Taken<string> | undefined {
  const found: Taken<string>[] = []
  const reader = new LookupReplyReader({
    reply(data, start, end) {
      found.push({ value: data.toString('utf8', start, end), length: end })
      reader.paused = true
    },
  })
  reader.push(bytes)
  return found[0]
}
