import { lookup } from 'node:dns/promises'
import { isIP } from 'node:net'
import { networkInterfaces } from 'node:os'
import type { NameFacts } from './facts.ts'
import { failureOf } from './failure.ts'

/** The addresses of a name, as every program of this machine gets them: with its hosts file. An empty one is this machine. */
export async function resolveName(host: string, timeoutMs: number): Promise<NameFacts> {
  const name = host === '' ? 'localhost' : host
  if (isIP(name) !== 0) return { host: name, addresses: [name] }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(Object.assign(new Error(`no answer within ${timeoutMs} ms`), { code: 'ETIMEOUT' }))
    }, timeoutMs)
  })
  try {
    const found = await Promise.race([lookup(name, { all: true }), late])
    return { host: name, addresses: [...new Set(found.map(({ address }) => address))] }
  } catch (error) {
    return { host: name, addresses: [], failure: failureOf(error) }
  } finally {
    clearTimeout(timer)
  }
}

export function isLoopback(address: string): boolean {
  return /^(?:127\.|::1$|::ffff:127\.|localhost$)/i.test(address)
}

/** Whether it is an address of this machine. */
export function isHere(address: string): boolean {
  if (isLoopback(address)) return true
  return Object.values(networkInterfaces()).some(all => all?.some(each => each.address === address))
}
