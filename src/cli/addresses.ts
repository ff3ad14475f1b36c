import { NsqError } from '../util/errors.ts'
import { option } from '../util/option.ts'

const group = { group: 'Addresses' }

/** Where the tools find nsqd: named, or asked of nsqlookupd. */
export const addressOptions = {
  'nsqd-tcp-address': option.endpoints(
    'An nsqd: HOST:PORT (TCP), or the path of its Unix socket; repeat it, or separate several by commas',
    {
      ...group,
      placeholder: 'ADDRESS',
      defaultPort: 4150,
      defaultText: '127.0.0.1:4150, without --lookupd-http-address',
    },
  ),
  'lookupd-http-address': option.strings(
    'An nsqlookupd that knows the nsqds: HOST:PORT (HTTP), or an https URL; repeat it likewise',
    {
      ...group,
      placeholder: 'ADDRESS',
      commas: true,
    },
  ),
}

/** Of these, what is given on the command line counts, and the environment's other one does not. */
export const addressAlternatives = ['nsqd-tcp-address', 'lookupd-http-address'] as const

const LOCAL_NSQD = '127.0.0.1:4150'

export interface Sources {
  nsqd: readonly string[]
  lookupd: readonly string[]
  /** No address was given: the nsqd of this machine is tried. */
  isDefault: boolean
}

export function sources(options: {
  nsqdTcpAddress: readonly string[]
  lookupdHttpAddress: readonly string[]
}): Sources {
  const { nsqdTcpAddress: nsqd, lookupdHttpAddress: lookupd } = options
  const isDefault = nsqd.length === 0 && lookupd.length === 0
  return { nsqd: isDefault ? [LOCAL_NSQD] : nsqd, lookupd, isDefault }
}

/** Waits for a first connection; when there is none, says which addresses were tried if they were not the user's. */
export async function withSources(from: Sources, connected: Promise<unknown>): Promise<void> {
  try {
    await connected
  } catch (error) {
    if (!from.isDefault || !(error instanceof NsqError)) throw error
    throw new NsqError(error.code, error.message, {
      cause: error,
      remedy:
        `No address was given, so ${LOCAL_NSQD} was tried. Start an nsqd there with "nsq-ts dev", ` +
        'or name one with --nsqd-tcp-address or --lookupd-http-address.',
    })
  }
}
