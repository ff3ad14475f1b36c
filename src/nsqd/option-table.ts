import { createHash } from 'node:crypto'
import { hostname } from 'node:os'
import { crc32 } from 'node:zlib'
import { type Option, option } from '../util/option.ts'

const MiB = 1024 * 1024
const MINUTE = 60_000

const addresses = { group: 'Addresses' }
const data = { group: 'Data' }
const messages = { group: 'Messages' }
const clients = { group: 'Clients' }
const limits = { group: 'Limits, off unless given' }
const statistics = { group: 'Statistics' }
const security = { group: 'TLS, compression and authorization' }
const general = { group: 'General' }
const unused = { group: 'Accepted for compatibility' }

/** Every flag of the official nsqd 1.3.0, with its default and its TOML key, and a few of ours. */
export const nsqdOptions = {
  'tcp-address': option.endpoint('Where to listen for clients', '0.0.0.0:4150', addresses),
  'http-address': option.endpoint('Where to listen for HTTP; nowhere when empty', '0.0.0.0:4151', addresses),
  'https-address': option.endpoint(
    'Where to listen for HTTPS, if there is a --tls-cert; nowhere when empty',
    '0.0.0.0:4152',
    addresses,
  ),
  'lookupd-tcp-address': option.addresses('An nsqlookupd to register with (give it once for each)', {
    ...addresses,
    config: 'nsqlookupd_tcp_addresses',
    defaultPort: 4160,
  }),
  'broadcast-address': option.string(
    'The address that consumers who find this nsqd through nsqlookupd connect to',
    undefined,
    {
      ...addresses,
      placeholder: 'HOST',
      defaultText: '<hostname>, or the address listened on when that is a loopback address',
    },
  ),
  'broadcast-tcp-port': option.int('The TCP port told to nsqlookupd, where it differs', undefined, {
    ...addresses,
    min: 0,
    max: 65_535,
    defaultText: 'the port of --tcp-address',
  }),
  'broadcast-http-port': option.int('The HTTP port told to nsqlookupd, where it differs', undefined, {
    ...addresses,
    min: 0,
    max: 65_535,
    defaultText: 'the port of --http-address',
  }),

  'data-path': option.string('The folder for messages and metadata, made when missing', undefined, {
    ...data,
    placeholder: 'PATH',
    defaultText: 'the working directory',
  }),
  durability: option.choice(
    'What must be done before a publish is acknowledged: nothing, handing it to the kernel (survives kill -9), ' +
      'or forcing it to the disk (survives a power cut)',
    ['none', 'process', 'power'],
    'process',
    data,
  ),
  'mem-queue-bytes': option.int('Bytes of recent messages kept in memory, over all topics', 64 * MiB, {
    ...data,
    min: MiB,
  }),
  'mem-queue-size': option.int(
    'Messages that an ephemeral topic or channel keeps; for others see --mem-queue-bytes',
    10_000,
    { ...data, min: 0 },
  ),
  'max-bytes-per-file': option.int('Bytes in a segment file before the next one is begun', 100 * MiB, {
    ...data,
    min: 1024,
    max: 2 ** 31 - 1,
  }),
  'retain-time': option.duration(
    'How long the messages of a topic stay on disk after every channel has finished them, to be replayed (0: no limit)',
    0,
    { ...data, min: 0 },
  ),
  'retain-bytes': option.int(
    'Bytes of finished messages that each topic keeps to be replayed (0: no limit); with neither limit, none',
    0,
    { ...data, min: 0, max: Number.MAX_SAFE_INTEGER },
  ),
  'sync-every': option.int('Messages between two syncs of a topic to the disk', 2500, { ...data, min: 1 }),
  'sync-timeout': option.duration('Longest time between two syncs of a topic to the disk', 2000, {
    ...data,
    min: 1,
  }),

  'msg-timeout': option.duration('How long a consumer has for a message before it goes to another', MINUTE, {
    ...messages,
    min: 1,
  }),
  'max-msg-timeout': option.duration('The longest message timeout that a client may ask for', 15 * MINUTE, {
    ...messages,
    min: 1,
  }),
  'max-msg-size': option.int('Largest message, in bytes', MiB, {
    ...messages,
    min: 1,
    max: 2 ** 30,
  }),
  'max-body-size': option.int(
    'Largest body of a command, in bytes; grows with --max-msg-size unless given',
    5 * MiB,
    { ...messages, min: 1, max: 2 ** 30 },
  ),
  'max-req-timeout': option.duration('The longest time that a message may be deferred', 60 * MINUTE, {
    ...messages,
    min: 0,
  }),

  'max-rdy-count': option.int('The largest RDY that a client may send', 2500, { ...clients, min: 1 }),
  'max-heartbeat-interval': option.duration(
    'The longest heartbeat interval that a client may ask for',
    MINUTE,
    {
      ...clients,
      min: 1000,
    },
  ),
  'max-channel-consumers': option.int('Consumers allowed on a channel of this nsqd (0: any number)', 0, {
    ...clients,
    min: 0,
  }),
  'output-buffer-timeout': option.duration('How long messages may wait to be sent together', 250, {
    ...clients,
    min: 0,
  }),
  'min-output-buffer-timeout': option.duration('The shortest such time that a client may ask for', 25, {
    ...clients,
    min: 0,
  }),
  'max-output-buffer-timeout': option.duration('The longest such time that a client may ask for', 30_000, {
    ...clients,
    min: 0,
  }),
  'max-output-buffer-size': option.int(
    'The largest output buffer that a client may ask for, in bytes',
    65_536,
    {
      ...clients,
      min: 64,
    },
  ),

  'shutdown-timeout': option.duration(
    'How long consumers may take to answer what they have in hand when nsqd is told to stop',
    5000,
    { ...clients, min: 0 },
  ),

  'max-topics': option.int('Topics that this nsqd may have; more are refused (0: any number)', 0, {
    ...limits,
    min: 0,
  }),
  'max-channels': option.int('Channels that each topic may have; more are refused (0: any number)', 0, {
    ...limits,
    min: 0,
  }),
  'max-connections': option.int(
    'Connections of clients at a time; more are closed at once (0: any number)',
    0,
    {
      ...limits,
      min: 0,
    },
  ),
  'max-topic-depth': option.int(
    'Messages that may wait in a topic that is paused or has no channels (0: any number)',
    0,
    { ...limits, min: 0 },
  ),
  'max-topic-bytes': option.int('Bytes of messages that may wait so (0: any number)', 0, {
    ...limits,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  }),
  'max-channel-depth': option.int(
    'Messages that may wait in a channel, deferred ones included (0: any number)',
    0,
    { ...limits, min: 0 },
  ),
  'max-channel-bytes': option.int('Bytes of messages that may wait in a channel (0: any number)', 0, {
    ...limits,
    min: 0,
    max: Number.MAX_SAFE_INTEGER,
  }),
  overflow: option.choice(
    'What happens at these limits: publishes are refused, or the oldest messages are dropped',
    ['refuse', 'drop-oldest'],
    'refuse',
    limits,
  ),
  'message-ttl': option.duration('The age at which a message that still waits is dropped (0: none)', 0, {
    ...limits,
    min: 0,
  }),
  'orphan-after': option.duration(
    'Warn of a channel in which messages wait and that has had no consumer for this long (0: never)',
    0,
    { ...limits, min: 0 },
  ),

  'e2e-processing-latency-percentile': option.floats(
    'Percentiles of the time from publish to FIN shown in /stats, each above 0 and up to 1 (0.5,0.99)',
    { ...statistics, config: 'e2e_processing_latency_percentiles', min: 0, max: 1 },
  ),
  'e2e-processing-latency-window-time': option.duration(
    'The time that these percentiles cover',
    10 * MINUTE,
    {
      ...statistics,
      min: 1,
    },
  ),
  'statsd-address': option.address('A statsd daemon (UDP) to push statistics to', undefined, statistics),
  'statsd-interval': option.duration('Time between two pushes to statsd', MINUTE, { ...statistics, min: 1 }),
  'statsd-prefix': option.string('Prefix of statsd keys; %s is this host', 'nsq.%s', statistics),
  'statsd-mem-stats': option.bool('Push memory statistics to statsd too', true, statistics),
  'statsd-exclude-ephemeral': option.bool('Leave ephemeral topics and channels out', false, statistics),
  'statsd-udp-packet-size': option.int('Largest UDP packet sent to statsd, in bytes', 508, {
    ...statistics,
    min: 1,
    max: 65_507,
  }),

  'tls-cert': option.string(
    'Certificate file (PEM): clients may ask for TLS, and HTTPS is served',
    undefined,
    {
      ...security,
      placeholder: 'FILE',
    },
  ),
  'tls-key': option.string('The key of --tls-cert: a file (PEM), not encrypted', undefined, {
    ...security,
    placeholder: 'FILE',
  }),
  'tls-client-auth-policy': option.choice(
    'Require any certificate of clients, or one that --tls-root-ca-file has signed; implies --tls-required',
    ['', 'require', 'require-verify'],
    '',
    { ...security, placeholder: 'require|require-verify' },
  ),
  'tls-root-ca-file': option.string(
    'Authorities (PEM) to verify client certificates with, and authorization servers of https',
    undefined,
    {
      ...security,
      placeholder: 'FILE',
    },
  ),
  'tls-required': tlsRequired(),
  'tls-min-version': tlsMinVersion(),
  deflate: option.bool('Let clients ask for deflate compression', true, security),
  'max-deflate-level': option.int('The highest deflate level that a client may ask for', 6, {
    ...security,
    min: 1,
    max: 9,
  }),
  snappy: option.bool('Let clients ask for snappy compression', true, security),
  'auth-http-address': option.strings(
    'An authorization server to ask what a client may do, or its URL (give it once for each)',
    {
      ...security,
      config: 'auth_http_addresses',
      placeholder: 'HOST:PORT|URL',
      commas: true,
    },
  ),
  'auth-http-request-method': option.choice(
    'HTTP method for asking the authorization server',
    ['get', 'post'],
    'get',
    security,
  ),

  'node-id': option.int(
    'Part of every message id, different on each nsqd of a cluster',
    defaultNodeId(hostname()),
    {
      ...general,
      config: 'id',
      min: 0,
      max: 1023,
      defaultText: '<derived from hostname>',
    },
  ),
  'topology-region': option.string('Region of this nsqd, told to nsqlookupd and clients', '', general),
  'topology-zone': option.string('Zone of this nsqd within its region, told likewise', '', general),
  'enable-experiment': option.strings(
    'topology-aware-consumption: deliver to consumers of the same zone, then region, before others',
    { ...general, commas: true },
  ),
  'http-client-connect-timeout': option.duration('Time allowed to connect to another HTTP server', 2000, {
    ...general,
    min: 1,
  }),
  'http-client-request-timeout': option.duration('Time allowed for a request to another HTTP server', 5000, {
    ...general,
    min: 1,
  }),
  'log-level': option.choice(
    'The least important lines to log',
    ['debug', 'info', 'warn', 'error', 'fatal'],
    'info',
    general,
  ),
  'log-prefix': option.string('What every log line begins with', '[nsqd] ', general),
  config: option.string('A TOML file with options', undefined, {
    ...general,
    placeholder: 'FILE',
    flagOnly: true,
  }),
  version: option.bool('Print the version', false, { ...general, flagOnly: true }),

  'queue-scan-selection-count': option.int(
    'Without meaning here: timers fire on time, nothing is scanned',
    20,
    unused,
  ),
  'queue-scan-worker-pool-max': option.int(
    'Without meaning here: timers fire on time, nothing is scanned',
    4,
    unused,
  ),
  verbose: option.bool('Without effect, as in the official nsqd: use --log-level=debug', false, unused),
  'worker-id': option.bool('Without effect, as in the official nsqd: use --node-id', false, unused),
}

/** A switch that may also be told `tcp-https`: TLS for clients, while plain HTTP stays open. */
function tlsRequired(): Option<'false' | 'true' | 'tcp-https'> {
  const required = option.choice(
    'Refuse what comes without TLS (true), but for plain HTTP (tcp-https)',
    ['false', 'true', 'tcp-https'],
    'false',
    security,
  )
  return { ...required, kind: 'bool' }
}

/** Empty is the default, as in the official example of a config file. */
function tlsMinVersion(): Option<'ssl3.0' | 'tls1.0' | 'tls1.1' | 'tls1.2' | 'tls1.3'> {
  const version = option.choice(
    'The oldest TLS version allowed; OpenSSL itself may refuse what is older than tls1.2',
    ['ssl3.0', 'tls1.0', 'tls1.1', 'tls1.2', 'tls1.3'],
    'tls1.0',
    security,
  )
  return { ...version, parse: texts => (texts.at(-1) === '' ? version.default : version.parse(texts)) }
}

/** The official rule: nodes with different hostnames most often get different ids. */
function defaultNodeId(host: string): number {
  return crc32(createHash('md5').update(host).digest()) % 1024
}
