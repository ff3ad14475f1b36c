import type { ConnectionOptions } from '../../client/options.ts'
import type { OptionValues } from '../../util/option.ts'
import { resolveOptions } from '../../util/option-values.ts'
import { addressOptions } from '../addresses.ts'
import { producerOptions } from '../client-options.ts'
import type { Context } from '../command.ts'
import type { MirrorOptions } from '../commands/mirror.ts'
import { connectionOptions } from '../connection-options.ts'
import { UsageError } from '../errors.ts'

/** Where to publish, and how to speak to it. */
export interface Destination {
  readonly nsqd: readonly string[]
  readonly lookupd: readonly string[]
  readonly client: ConnectionOptions
}

const flagsOfContext = { ...addressOptions, ...connectionOptions }

/**
 * The destination by its flags; what they leave open by `--destination-context`.
 *
 * @throws UsageError; NsqError `E_TLS_FILE`, `E_CONTEXT`
 */
export async function findDestination({
  options,
  env,
}: Pick<Context<MirrorOptions>, 'options' | 'env'>): Promise<Destination> {
  const kept = await keptFlags(options.destinationContext, env)
  const given = { nsqd: options.destinationNsqdTcpAddress, lookupd: options.destinationLookupdHttpAddress }
  const isGiven = given.nsqd.length + given.lookupd.length > 0
  const { nsqd, lookupd } = isGiven ? given : { nsqd: kept.nsqdTcpAddress, lookupd: kept.lookupdHttpAddress }
  if (nsqd.length + lookupd.length === 0) {
    throw new UsageError(
      options.destinationContext === undefined
        ? '--destination-nsqd-tcp-address is missing'
        : `the context ${options.destinationContext} names no nsqd by its TCP address, and no nsqlookupd`,
      'Say where to publish: --destination-nsqd-tcp-address=HOST:PORT, or --destination-lookupd-http-address.',
    )
  }
  return { nsqd, lookupd, client: await producerOptions(kept, options.producerOpt) }
}

async function keptFlags(
  name: string | undefined,
  env: Context['env'],
): Promise<OptionValues<typeof flagsOfContext>> {
  if (name === undefined) return resolveOptions(flagsOfContext, {}, {})
  const [{ readContexts }, { noSuchContext }] = await Promise.all([
    import('../context/contexts.ts'),
    import('../context/resolve.ts'),
  ])
  const { contexts } = await readContexts(env)
  const found = contexts.get(name)
  if (found === undefined) throw noSuchContext('--destination-context', name, [...contexts.keys()])
  return resolveOptions(flagsOfContext, {}, {}, {}, { label: `context ${name}`, values: found.values })
}
