import { envName } from '../../util/option-values.ts'
import { editDistance, suggest } from '../../util/suggest.ts'
import { commonOptions } from '../command.ts'
import type { ConfigurationFacts } from './facts.ts'

/** Those that are no flag's. */
const OTHERS = ['NSQ_CONFIG_DIR']

/** Kubernetes and Docker make these for a service that is named nsq. */
const OF_SERVICES = /_SERVICE_(?:HOST|PORT)|_PORT(?:_\d+_|$)/

/** The variables that look like ours and that no command reads, as of a flag that is misspelt. */
export async function unknownVariables(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ConfigurationFacts['unknownVariables']> {
  const given = Object.keys(env).filter(name => name.startsWith('NSQ_') && !OF_SERVICES.test(name))
  if (given.length === 0) return []
  const known = new Set([...OTHERS, ...(await allFlags()).map(envName)])
  return given
    .filter(name => !known.has(name))
    .sort()
    .map(name => ({ name, near: nearest(name, known) }))
}

/** NSQ_HOST is a variable of somebody's program, and not NSQ_POST misspelt. */
const SHORTEST = 'NSQ_'.length + 6
/** Slips of the keyboard. */
const NEAR = 2

function nearest(name: string, known: ReadonlySet<string>): string | undefined {
  const near = [...known].filter(each => editDistance(name, each) <= NEAR)
  return name.length < SHORTEST ? undefined : suggest(name, near)
}

async function allFlags(): Promise<string[]> {
  const { commands } = await import('../commands.ts')
  const tables = await Promise.all(commands.map(async entry => (await entry.load()).options))
  return [commonOptions, ...tables].flatMap(Object.keys)
}
