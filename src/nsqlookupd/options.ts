import { option, type OptionValues } from '../util/option.ts'
import { resolveOptions } from '../util/option-values.ts'

const addresses = { group: 'Addresses' }
const producers = { group: 'Producers' }
const general = { group: 'General' }
const unused = { group: 'Accepted for compatibility' }

/** Every flag of the official nsqlookupd 1.3.0, with its default and its TOML key. */
export const nsqlookupdOptions = {
  'tcp-address': option.address('Where to listen for nsqds', '0.0.0.0:4160', addresses),
  'http-address': option.address('Where to listen for HTTP', '0.0.0.0:4161', addresses),
  'broadcast-address': option.string('The address of this nsqlookupd, told to nsqds', undefined, {
    ...addresses,
    placeholder: 'HOST',
    defaultText: '<hostname>, or the address listened on when that is a loopback address',
  }),

  'inactive-producer-timeout': option.duration(
    'How long an nsqd stays in answers after its last ping',
    300_000,
    { ...producers, min: 1 },
  ),
  'tombstone-lifetime': option.duration(
    'How long a tombstoned nsqd is hidden from those who look for the topic',
    45_000,
    { ...producers, min: 0 },
  ),

  'log-level': option.choice(
    'The least important lines to log',
    ['debug', 'info', 'warn', 'error', 'fatal'],
    'info',
    general,
  ),
  'log-prefix': option.string('What every log line begins with', '[nsqlookupd] ', general),
  config: option.string('A TOML file with options', undefined, {
    ...general,
    placeholder: 'FILE',
    flagOnly: true,
  }),
  version: option.bool('Print the version', false, { ...general, flagOnly: true }),

  verbose: option.bool('Without effect, as in the official nsqlookupd: use --log-level=debug', false, unused),
}

/** The options of an nsqlookupd, by camel-cased flag; durations are milliseconds. */
export type NsqlookupdOptions = OptionValues<typeof nsqlookupdOptions>

/** Options for a program: defaults for what is not given. */
export function resolveNsqlookupdOptions(given: Partial<NsqlookupdOptions> = {}): NsqlookupdOptions {
  return { ...resolveOptions(nsqlookupdOptions, {}, {}), ...given }
}
