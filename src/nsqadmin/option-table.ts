import { option } from '../util/option.ts'

const addresses = { group: 'Addresses' }
const access = { group: 'Access' }
const page = { group: 'Page' }
const requests = { group: 'Requests to nsqd and nsqlookupd' }
const graphite = { group: 'Graphite' }
const general = { group: 'General' }
const unused = { group: 'Accepted for compatibility' }

/** Every flag of the official nsqadmin 1.3.0, with its default and its TOML key, and a few of ours. */
export const nsqadminOptions = {
  'http-address': option.address('Where to listen for HTTP', '0.0.0.0:4171', addresses),
  'lookupd-http-address': option.strings(
    'An nsqlookupd that knows the nsqds: HOST:PORT (HTTP), or a URL (give it once for each)',
    { ...addresses, placeholder: 'ADDRESS', config: 'nsqlookupd_http_addresses', commas: true },
  ),
  'nsqd-http-address': option.strings(
    'An nsqd: HOST:PORT (HTTP), or a URL; in place of --lookupd-http-address (give it once for each)',
    { ...addresses, placeholder: 'ADDRESS', config: 'nsqd_http_addresses', commas: true },
  ),
  'base-path': option.string('The path under which everything is, as behind a proxy', '/', {
    ...addresses,
    placeholder: 'PATH',
  }),

  'read-only': option.bool(
    'Show everything, but let nobody change anything nor watch messages',
    false,
    access,
  ),
  'auth-token': option.string(
    'Who has this signs in with it, and nobody else gets anything but /ping and /metrics; better in NSQ_AUTH_TOKEN, ' +
      'as others may see a command line',
    undefined,
    { ...access, placeholder: 'TOKEN', secret: true },
  ),
  'admin-user': option.strings(
    'Only this user may change anything; see --acl-http-header (give it once for each)',
    { ...access, placeholder: 'NAME', config: 'admin_users', commas: true },
  ),
  'acl-http-header': option.string(
    'The header in which a proxy that has signed users in names them',
    'X-Forwarded-User',
    { ...access, placeholder: 'HEADER' },
  ),
  'allowed-host': option.strings(
    'Refuse requests for any other host, as a page of somebody else could make with a name that leads here: ' +
      'HOST or HOST:PORT (give it once for each)',
    { ...access, placeholder: 'HOST', config: 'allowed_hosts', commas: true },
  ),
  'allow-config-from-cidr': option.string(
    'From where /config may be used; from everywhere when empty',
    '127.0.0.1/8',
    {
      ...access,
      placeholder: 'CIDR',
    },
  ),
  'notification-http-endpoint': option.string(
    'A URL that each change is POSTed to as JSON, when it has been made',
    undefined,
    { ...access, placeholder: 'URL' },
  ),

  'poll-interval': option.duration('Time between two looks at the nsqds while somebody watches', 2000, {
    ...page,
    min: 100,
    max: 60_000,
  }),
  'dev-static-dir': option.string('A folder with the page, in place of the one built in', undefined, {
    ...page,
    placeholder: 'PATH',
  }),

  'http-client-connect-timeout': option.duration('How long connecting to a daemon may take', 2000, {
    ...requests,
    min: 1,
  }),
  'http-client-request-timeout': option.duration('How long a whole request to a daemon may take', 5000, {
    ...requests,
    min: 1,
  }),
  'http-client-tls-root-ca-file': option.string(
    'Authorities (PEM) to verify daemons of https with',
    undefined,
    { ...requests, placeholder: 'FILE' },
  ),
  'http-client-tls-cert': option.string('A certificate (PEM) to show to daemons of https', undefined, {
    ...requests,
    placeholder: 'FILE',
  }),
  'http-client-tls-key': option.string('The key of --http-client-tls-cert (PEM), not encrypted', undefined, {
    ...requests,
    placeholder: 'FILE',
  }),
  'http-client-tls-insecure-skip-verify': option.bool(
    'Take any certificate of a daemon, so that anybody could pose as one: for tests only',
    false,
    requests,
  ),

  'graphite-url': option.string('A Graphite that has the statistics of nsqd', undefined, {
    ...graphite,
    placeholder: 'URL',
  }),
  'proxy-graphite': option.bool('Fetch the images of Graphite for the browser', false, graphite),
  'statsd-counter-format': option.string(
    'How statsd names counters; %s is the key',
    'stats.counters.%s.count',
    {
      ...graphite,
    },
  ),
  'statsd-gauge-format': option.string('How statsd names gauges; %s is the key', 'stats.gauges.%s', graphite),
  'statsd-prefix': option.string("nsqd's --statsd-prefix; %s is its host", 'nsq.%s', graphite),
  'statsd-interval': option.duration('Time between two flushes of statsd', 60_000, {
    ...graphite,
    min: 1000,
  }),

  'log-level': option.choice(
    'The least important lines to log',
    ['debug', 'info', 'warn', 'error', 'fatal'],
    'info',
    general,
  ),
  'log-prefix': option.string('What every log line begins with', '[nsqadmin] ', general),
  config: option.string('A TOML file with options', undefined, {
    ...general,
    placeholder: 'FILE',
    flagOnly: true,
  }),
  version: option.bool('Print the version', false, { ...general, flagOnly: true }),

  verbose: option.bool('Without effect, as in the official nsqadmin: use --log-level=debug', false, unused),
}
