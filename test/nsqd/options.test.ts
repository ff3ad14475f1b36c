import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { isAbsolute } from 'node:path'
import { describe, test } from 'node:test'
import { nsqdOptions, optionWarnings, resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { OptionError, resolveOptions } from '../../src/util/option-values.ts'

/** The flags of the official nsqd 1.3.0, with the defaults that it prints. */
const OFFICIAL: Record<string, unknown> = {
  'auth-http-address': [],
  'auth-http-request-method': 'get',
  'broadcast-address': undefined,
  'broadcast-http-port': undefined,
  'broadcast-tcp-port': undefined,
  config: undefined,
  'data-path': undefined,
  deflate: true,
  'e2e-processing-latency-percentile': [],
  'e2e-processing-latency-window-time': 600_000,
  'enable-experiment': [],
  'http-address': '0.0.0.0:4151',
  'http-client-connect-timeout': 2000,
  'http-client-request-timeout': 5000,
  'https-address': '0.0.0.0:4152',
  'log-level': 'info',
  'log-prefix': '[nsqd] ',
  'lookupd-tcp-address': [],
  'max-body-size': 5_242_880,
  'max-bytes-per-file': 104_857_600,
  'max-channel-consumers': 0,
  'max-deflate-level': 6,
  'max-heartbeat-interval': 60_000,
  'max-msg-size': 1_048_576,
  'max-msg-timeout': 900_000,
  'max-output-buffer-size': 65_536,
  'max-output-buffer-timeout': 30_000,
  'max-rdy-count': 2500,
  'max-req-timeout': 3_600_000,
  'mem-queue-size': 10_000,
  'min-output-buffer-timeout': 25,
  'msg-timeout': 60_000,
  'node-id': nsqdOptions['node-id'].default,
  'output-buffer-timeout': 250,
  'queue-scan-selection-count': 20,
  'queue-scan-worker-pool-max': 4,
  snappy: true,
  'statsd-address': undefined,
  'statsd-exclude-ephemeral': false,
  'statsd-interval': 60_000,
  'statsd-mem-stats': true,
  'statsd-prefix': 'nsq.%s',
  'statsd-udp-packet-size': 508,
  'sync-every': 2500,
  'sync-timeout': 2000,
  'tcp-address': '0.0.0.0:4150',
  'tls-cert': undefined,
  'tls-client-auth-policy': '',
  'tls-key': undefined,
  'tls-min-version': 'tls1.0',
  'tls-required': 'false',
  'tls-root-ca-file': undefined,
  'topology-region': '',
  'topology-zone': '',
  verbose: false,
  version: false,
  'worker-id': false,
}

describe('nsqdOptions', () => {
  test('has every official flag with its default, and ours', () => {
    const ours = {
      durability: 'process',
      'mem-queue-bytes': 64 * 1024 * 1024,
      'retain-bytes': 0,
      'retain-time': 0,
      'shutdown-timeout': 5000,
      'max-topics': 0,
      'max-channels': 0,
      'max-connections': 0,
      'max-topic-depth': 0,
      'max-topic-bytes': 0,
      'max-channel-depth': 0,
      'max-channel-bytes': 0,
      overflow: 'refuse',
      'message-ttl': 0,
      'orphan-after': 0,
    }
    const actual = Object.fromEntries(
      Object.entries(nsqdOptions).map(([flag, { default: value }]) => [flag, value]),
    )
    assert.deepEqual(actual, { ...OFFICIAL, ...ours })
  })

  test('reads the official TOML keys', () => {
    const config = {
      id: 5,
      nsqlookupd_tcp_addresses: ['a:4160', 'b:4160'],
      auth_http_addresses: ['c:1'],
      e2e_processing_latency_percentiles: [0.5, 0.99],
      max_msg_timeout: '5m',
    }
    const values = resolveOptions(nsqdOptions, {}, {}, config)
    assert.equal(values.nodeId, 5)
    assert.deepEqual(values.lookupdTcpAddress, ['a:4160', 'b:4160'])
    assert.deepEqual(values.authHttpAddress, ['c:1'])
    assert.deepEqual(values.e2eProcessingLatencyPercentile, [0.5, 0.99])
    assert.equal(values.maxMsgTimeout, 300_000)
  })

  test('takes paths of Unix sockets, and nothing, where it listens', () => {
    for (const flag of ['tcp-address', 'http-address', 'https-address']) {
      for (const value of ['/run/nsqd.sock', './nsqd.sock', ':4150', '[::1]:4150', '']) {
        assert.deepEqual(
          Object.values(resolveOptions({ [flag]: nsqdOptions['tcp-address'] }, { [flag]: value }, {})),
          [value],
        )
      }
      assert.throws(() => resolveOptions(nsqdOptions, { [flag]: 'nsqd.sock' }, {}), OptionError)
    }
  })

  test('takes the three values of --tls-required, which is a switch', () => {
    assert.equal(nsqdOptions['tls-required'].kind, 'bool')
    for (const value of ['true', 'false', 'tcp-https']) {
      assert.equal(resolveOptions(nsqdOptions, { 'tls-required': value }, {}).tlsRequired, value)
    }
  })
})

describe('resolveNsqdOptions', () => {
  test('announces the hostname, but the address listened on when nobody else can reach it', () => {
    assert.equal(resolveNsqdOptions().broadcastAddress, hostname())
    assert.equal(resolveNsqdOptions({ tcpAddress: ':4150' }).broadcastAddress, hostname())
    assert.equal(resolveNsqdOptions({ tcpAddress: '127.0.0.1:0' }).broadcastAddress, '127.0.0.1')
    assert.equal(resolveNsqdOptions({ tcpAddress: '[::1]:4150' }).broadcastAddress, '::1')
    const given = resolveNsqdOptions({ tcpAddress: '127.0.0.1:0', broadcastAddress: 'example.org' })
    assert.equal(given.broadcastAddress, 'example.org')
  })

  test('announces the hostname when it listens on a Unix socket', () => {
    assert.equal(resolveNsqdOptions({ tcpAddress: '/tmp/nsqd.sock' }).broadcastAddress, hostname())
  })

  test('requires TLS of clients whose certificates are asked for', () => {
    const cert = { tlsCert: 'c', tlsKey: 'k' }
    assert.equal(resolveNsqdOptions(cert).tlsRequired, 'false')
    for (const tlsClientAuthPolicy of ['require', 'require-verify'] as const) {
      const policy = { ...cert, tlsClientAuthPolicy }
      assert.equal(resolveNsqdOptions(policy).tlsRequired, 'true')
      assert.equal(resolveNsqdOptions({ ...policy, tlsRequired: 'tcp-https' }).tlsRequired, 'tcp-https')
    }
  })

  test('makes the data path absolute', () => {
    assert.equal(resolveNsqdOptions().dataPath, process.cwd())
    assert.ok(isAbsolute(resolveNsqdOptions({ dataPath: 'data' }).dataPath))
  })

  test('lets the size that was not given follow the one that was', () => {
    const large = resolveNsqdOptions({ maxMsgSize: 10_000_000 })
    assert.deepEqual([large.maxMsgSize, large.maxBodySize], [10_000_000, 10_000_000])
    const small = resolveNsqdOptions({ maxBodySize: 5000 })
    assert.deepEqual([small.maxMsgSize, small.maxBodySize], [5000, 5000])
    const both = resolveNsqdOptions({ maxMsgSize: 1000, maxBodySize: 5000 })
    assert.deepEqual([both.maxMsgSize, both.maxBodySize], [1000, 5000])
  })

  const refused: [name: string, given: Parameters<typeof resolveNsqdOptions>[0], flag: string][] = [
    ['a message larger than a body', { maxMsgSize: 6000, maxBodySize: 5000 }, 'max-msg-size'],
    ['a node id of more than ten bits', { nodeId: 1024 }, 'node-id'],
    ['a tiny segment file', { maxBytesPerFile: 10 }, 'max-bytes-per-file'],
    ['a size that is not a number', { maxMsgSize: Number.NaN }, 'max-msg-size'],
    ['percentile 0', { e2eProcessingLatencyPercentile: [0.5, 0] }, 'e2e-processing-latency-percentile'],
    ['percentile 99', { e2eProcessingLatencyPercentile: [99] }, 'e2e-processing-latency-percentile'],
    ['to serve in the clear where TLS is required', { tlsRequired: 'tcp-https' }, 'tls-required'],
    ['to require TLS with a certificate and no key', { tlsRequired: 'true', tlsCert: 'c' }, 'tls-cert'],
    ['a key without its certificate', { tlsKey: 'k' }, 'tls-key'],
    [
      'to ask for certificates without having one',
      { tlsClientAuthPolicy: 'require' },
      'tls-client-auth-policy',
    ],
    ['an authorization server that is no URL', { authHttpAddress: ['a:b'] }, 'auth-http-address'],
    ['an authorization server of ftp', { authHttpAddress: ['ftp://a/auth'] }, 'auth-http-address'],
    ['to listen nowhere', { tcpAddress: '' }, 'tcp-address'],
  ]
  for (const [name, given, flag] of refused) {
    test(`refuses ${name}`, () => {
      assert.throws(
        () => resolveNsqdOptions(given),
        error => error instanceof OptionError && error.flag === flag && error.message.includes(`--${flag}`),
      )
    })
  }
})

function warned(given: Parameters<typeof resolveNsqdOptions>[0]): string[] {
  return optionWarnings(resolveNsqdOptions(given))
}

test('optionWarnings names the flags that do nothing, or other than what may be meant', () => {
  assert.deepEqual(optionWarnings(resolveNsqdOptions()), [])
  const cert = { tlsCert: 'c', tlsKey: 'k', tlsClientAuthPolicy: 'require-verify' } as const
  assert.deepEqual(optionWarnings(resolveNsqdOptions({ ...cert, tlsRootCaFile: 'ca' })), [])
  assert.equal(optionWarnings(resolveNsqdOptions(cert)).length, 1)
  assert.match(warned({ overflow: 'drop-oldest' })[0] ?? '', /without a limit.*nothing is dropped/)
  assert.deepEqual(warned({ overflow: 'drop-oldest', maxTopicDepth: 1 }), [])
  assert.match(warned({ maxChannelBytes: 1000 })[0] ?? '', /^--max-channel-bytes=1000 is less .* is refused$/)
  assert.deepEqual(warned({ maxChannelBytes: 1000, maxMsgSize: 966 }), [])
  assert.match(warned({ messageTtl: 60_000 })[0] ?? '', /^--message-ttl=1m0s is not above --msg-timeout=1m0s/)
  assert.deepEqual(warned({ messageTtl: 60_001 }), [])
})
