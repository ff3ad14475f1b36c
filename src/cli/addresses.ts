import { parseAddress } from '../util/address.ts'
import { NsqError } from '../util/errors.ts'
import { type Option, option } from '../util/option.ts'
import { contextOption } from './context/option.ts'

const group = { group: 'Addresses' }

/** Where the tools find nsqd: named, or asked of nsqlookupd. */
export const addressOptions = {
  'nsqd-tcp-address': checked(
    option.endpoints(
      'An nsqd: HOST:PORT (TCP), or the path of its Unix socket; repeat it, or separate several by commas',
      {
        ...group,
        placeholder: 'ADDRESS',
        defaultPort: 4150,
        defaultText: '127.0.0.1:4150, without --lookupd-http-address',
      },
    ),
    text => {
      // It has slashes, as a path has.
      if (text.includes('://')) throw new RangeError(`"${text}" is a URL: write it like 127.0.0.1:4150`)
    },
  ),
  'lookupd-http-address': checked(
    option.strings(
      'An nsqlookupd that knows the nsqds: HOST:PORT (HTTP), or an https URL; repeat it likewise',
      { ...group, placeholder: 'ADDRESS', commas: true },
    ),
    text => {
      if (!/^https?:\/\//.test(text)) parseAddress(text, 4161)
    },
  ),
  ...contextOption,
}

/** Throws a RangeError for what the client would not take, so that it is said with the name of the flag. */
function checked(list: Option<readonly string[]>, check: (text: string) => void): typeof list {
  return {
    ...list,
    parse: texts => {
      const values = list.parse(texts)
      values.forEach(check)
      return values
    },
  }
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
        'or name one with --nsqd-tcp-address, --lookupd-http-address or --context.',
    })
  }
}
