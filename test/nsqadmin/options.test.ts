import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { nsqadminOptions, resolveNsqadminOptions } from '../../src/nsqadmin/options.ts'
import { OptionError, resolveOptions } from '../../src/util/option-values.ts'
import type { Given } from './rig.ts'

const LOOKUPD = { lookupdHttpAddress: ['127.0.0.1:4161'] }

function refused(given: Given, flag: string): void {
  assert.throws(
    () => resolveNsqadminOptions(given),
    (error: unknown) => {
      assert.ok(error instanceof OptionError)
      assert.equal(error.flag, flag)
      assert.match(error.message, /--|daemon/)
      return true
    },
    `${flag} ${JSON.stringify(given)}`,
  )
}

describe('the daemons', () => {
  test('nsqlookupds or nsqds, and one of both', () => {
    refused({}, 'lookupd-http-address')
    refused({ ...LOOKUPD, nsqdHttpAddress: ['127.0.0.1:4151'] }, 'nsqd-http-address')
    assert.deepEqual(resolveNsqadminOptions({ nsqdHttpAddress: ['h:1'] }).nsqdHttpAddress, ['h:1'])
  })

  test('a missing port is the usual one; URLs stay', () => {
    const given = { lookupdHttpAddress: ['10.0.0.1', '[::1]', 'h:80', 'https://lookupd.example/nsq'] }
    assert.deepEqual(resolveNsqadminOptions(given).lookupdHttpAddress, [
      '10.0.0.1:4161',
      '[::1]:4161',
      'h:80',
      'https://lookupd.example/nsq',
    ])
    for (const bad of ['a b', 'http://', '::1:4161', 'h:99999']) {
      refused({ lookupdHttpAddress: [bad] }, 'lookupd-http-address')
    }
  })
})

describe('access', () => {
  test('a token is long enough to be one, and shown in no message', () => {
    for (const authToken of ['', 'short', 'has a space in it', 'umlaut-äöü-long', 'line\nend-long-enough']) {
      refused({ ...LOOKUPD, authToken }, 'auth-token')
      assert.throws(
        () => resolveNsqadminOptions({ ...LOOKUPD, authToken }),
        (error: Error) => authToken === '' || !error.message.includes(authToken),
      )
    }
    assert.equal(
      resolveNsqadminOptions({ ...LOOKUPD, authToken: 'correct-horse' }).authToken,
      'correct-horse',
    )
  })

  test('hosts, headers and ranges of addresses', () => {
    const { allowedHost } = resolveNsqadminOptions({ ...LOOKUPD, allowedHost: ['NSQ.example', '[::1]:80'] })
    assert.deepEqual(allowedHost, ['nsq.example', '[::1]:80'])
    for (const bad of ['http://x', 'a/b', 'a b', '*'])
      refused({ ...LOOKUPD, allowedHost: [bad] }, 'allowed-host')
    for (const bad of ['', 'X Y', 'X:Y', 'Ä']) refused({ ...LOOKUPD, aclHttpHeader: bad }, 'acl-http-header')
    for (const bad of ['10.0.0.1', '10.0.0.0/33', 'x/8', '::/129', '10.0.0.0/8/8']) {
      refused({ ...LOOKUPD, allowConfigFromCidr: bad }, 'allow-config-from-cidr')
    }
    const { configFrom } = resolveNsqadminOptions({ ...LOOKUPD, allowConfigFromCidr: '10.0.0.0/8' })
    assert.equal(configFrom?.check('10.9.9.9', 'ipv4'), true)
    // As a socket of both families shows it.
    assert.equal(configFrom.check('::ffff:10.9.9.9', 'ipv6'), true)
    assert.equal(configFrom.check('11.0.0.1', 'ipv4'), false)
    assert.equal(resolveNsqadminOptions({ ...LOOKUPD, allowConfigFromCidr: '' }).configFrom, undefined)
  })

  test('URLs are URLs, and what may be secret in them is not shown', () => {
    for (const [flag, given] of [
      ['graphite-url', { graphiteUrl: 'ftp://u:s3cret@g/' }],
      ['notification-http-endpoint', { notificationHttpEndpoint: 's3cret' }],
    ] as const) {
      refused({ ...LOOKUPD, ...given }, flag)
      assert.throws(
        () => resolveNsqadminOptions({ ...LOOKUPD, ...given }),
        (error: Error) => {
          assert.doesNotMatch(error.message, /s3cret/)
          return true
        },
      )
    }
    refused({ ...LOOKUPD, proxyGraphite: true }, 'proxy-graphite')
    refused({ ...LOOKUPD, httpClientTlsCert: 'a.pem' }, 'http-client-tls-key')
    refused({ ...LOOKUPD, httpClientTlsKey: 'a.pem' }, 'http-client-tls-cert')
  })
})

test('the base path is empty, or has one slash in front and none behind', () => {
  for (const [given, expected] of [
    ['/', ''],
    ['', ''],
    ['nsq', '/nsq'],
    ['/nsq/', '/nsq'],
    ['//a//b/./c/', '/a/b/c'],
    ['/a/../b', '/b'],
    ['/../../b', '/b'],
  ] as const) {
    assert.equal(resolveNsqadminOptions({ ...LOOKUPD, basePath: given }).basePath, expected, given)
  }
  for (const bad of ['/a b', '/a"b', '/<a>', '/%2e', '/ä', '/a?b', '/a\nb']) {
    refused({ ...LOOKUPD, basePath: bad }, 'base-path')
  }
})

test('the official TOML file', () => {
  const config = {
    nsqlookupd_http_addresses: ['a:1', 'b:2'],
    admin_users: ['ann'],
    statsd_interval: '30s',
    proxy_graphite: true,
    graphite_url: 'http://g',
  }
  const values = resolveOptions(nsqadminOptions, {}, {}, config)
  assert.deepEqual(values.lookupdHttpAddress, ['a:1', 'b:2'])
  assert.deepEqual(values.adminUser, ['ann'])
  assert.equal(values.statsdInterval, 30_000)
  assert.equal(values.proxyGraphite, true)
})

test('every flag of the official nsqadmin is here, with its default', () => {
  const text = readFileSync(new URL('official-flags.json', import.meta.url), 'utf8')
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the file is ours
  const flags = JSON.parse(text) as { flag: string; type: string; default: string | null }[]
  assert.equal(flags.length, 26)
  const values: Record<string, unknown> = resolveOptions(nsqadminOptions, {}, {})
  for (const { flag, default: expected } of flags) {
    const entry = Object.entries(nsqadminOptions).find(([name]) => name === flag)?.[1]
    assert.ok(entry, flag)
    if (expected === null) continue
    const value = values[flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())]
    const parsed = entry.parse([expected.replaceAll('"', '')])
    assert.deepEqual(value, parsed, flag)
  }
})
