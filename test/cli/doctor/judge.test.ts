import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { checks, judge } from '../../../src/cli/doctor/checks/index.ts'
import type { Facts } from '../../../src/cli/doctor/facts.ts'
import type { Status } from '../../../src/cli/doctor/finding.ts'
import {
  about,
  AT,
  channel,
  DAY,
  facts,
  http,
  identity,
  late,
  lookupd,
  node,
  nsqd,
  refused,
  stats,
  topic,
  unreachable,
  unregistered,
  unresolved,
  wire,
} from './made-up.ts'

interface Case {
  name: string
  check: string
  facts: Facts
  /** What is said of it; nothing that is wrong when this is left out. */
  status?: Status
  message?: RegExp
  remedy?: RegExp
}

const container = node({ broadcastAddress: '3f2a1b4c5d6e', hostname: '3f2a1b4c5d6e' })
const lostContainer = nsqd({
  name: '3f2a1b4c5d6e:4151',
  registered: container,
  wire: unreachable(unresolved, '3f2a1b4c5d6e'),
  http: { ...unreachable(unresolved, '3f2a1b4c5d6e'), config: { isOurs: false } },
})
const loopback = node({ broadcastAddress: '127.0.0.1' })
const certificate = { subject: 'CN=two', validTo: AT + 90 * DAY, protocol: 'TLSv1.3' }
const overTls = wire({ identity: identity({ tls: true }), certificate })
const given = facts().configuration

function disk(free: number, size: number, freeFiles?: number): Facts {
  const disks = [{ path: '/data', nsqd: '127.0.0.1:4151', free, size, freeFiles }]
  return facts({ machine: { ...facts().machine, disks } })
}

function withWire(changed: Parameters<typeof wire>[0], wanted: Partial<Facts['wanted']> = {}): Facts {
  return facts({ nsqds: [nsqd({ wire: wire(changed) })], wanted: { ...facts().wanted, ...wanted } })
}

function withHttp(changed: Parameters<typeof http>[0]): Facts {
  return facts({ nsqds: [nsqd({ http: http(changed) })] })
}

function withTopics(...topics: Parameters<typeof stats>[0]): Facts {
  return withHttp({ stats: stats(topics) })
}

function two(first: Parameters<typeof nsqd>[0], second: Parameters<typeof nsqd>[0]): Facts {
  const registered = node({ broadcastAddress: '10.0.0.3', hostname: 'three' })
  const third = { ...about, broadcastAddress: '10.0.0.3', hostname: 'three' }
  return facts({
    nsqds: [
      nsqd(first),
      nsqd({ name: '10.0.0.3:4151', registered, http: http({ about: third }), ...second }),
    ],
  })
}

const cases: Case[] = [
  {
    name: 'addresses come from flags',
    check: 'addresses',
    facts: facts(),
    status: 'ok',
    message: /^nsqlookupd 10\.0\.0\.1:4161, by --lookupd-http-address$/,
  },
  {
    name: 'addresses come from a context',
    check: 'addresses',
    facts: facts({ configuration: { ...given, context: 'the current context prod' } }),
    status: 'ok',
    message: /the current context prod/,
  },
  {
    name: 'nobody answers where nobody was named',
    check: 'addresses',
    facts: facts({ configuration: { ...given, isAssumed: true }, lookupds: [], nsqds: [] }),
    status: 'fail',
    remedy: /nsq-ts dev/,
  },
  {
    name: 'a variable is misspelt',
    check: 'variables',
    facts: facts({
      configuration: { ...given, unknownVariables: [{ name: 'NSQ_TOPPIC', near: 'NSQ_TOPIC' }] },
    }),
    status: 'warn',
    message: /NSQ_TOPPIC/,
    remedy: /NSQ_TOPIC\?/,
  },
  {
    name: 'Node is too old',
    check: 'node',
    facts: facts({ machine: { ...facts().machine, nodeVersion: 'v20.9.1' } }),
    status: 'fail',
    message: /v20\.9\.1/,
  },
  {
    name: 'few files may be open',
    check: 'open-files',
    facts: facts({ machine: { ...facts().machine, openFiles: 256 } }),
    status: 'warn',
    message: /256/,
    remedy: /ulimit/,
  },
  {
    name: 'a disk is nearly full',
    check: 'disk',
    facts: disk(5e9, 100e9),
    status: 'warn',
    message: /5\.0 GB/,
  },
  { name: 'a disk is full', check: 'disk', facts: disk(10e6, 100e9), status: 'fail', message: /10\.0 MB/ },
  { name: 'a large disk has room', check: 'disk', facts: disk(500e9, 10_000e9) },
  { name: 'a small disk has room', check: 'disk', facts: disk(0.5e9, 1e9) },
  {
    name: 'no file can be made',
    check: 'disk',
    facts: disk(50e9, 100e9, 3),
    status: 'fail',
    message: /files/,
  },
  {
    name: 'a name is unknown',
    check: 'dns',
    facts: facts({
      nsqds: [unregistered(nsqd({ name: 'two:4150', wire: unreachable(unresolved, 'two') }))],
    }),
    status: 'fail',
    message: /"two" cannot be resolved/,
  },
  {
    name: 'nothing listens',
    check: 'connect',
    facts: facts({ nsqds: [unregistered(nsqd({ wire: unreachable(refused) }))] }),
    status: 'fail',
    message: /TCP 10\.0\.0\.2:4150: nothing listens/,
    remedy: /4150/,
  },
  {
    name: 'an nsqd that is registered has just died',
    check: 'connect',
    facts: facts({ nsqds: [nsqd({ wire: unreachable(refused) })] }),
    status: 'fail',
    message: /nothing listens/,
  },
  {
    name: 'a firewall swallows',
    check: 'connect',
    facts: facts({ lookupds: [{ ...lookupd(), ...unreachable(late, '10.0.0.1') }] }),
    status: 'fail',
    remedy: /[Ff]irewall/,
  },
  {
    name: 'only the HTTP port of an nsqd is closed',
    check: 'connect',
    facts: facts({
      nsqds: [
        nsqd({
          http: { ...unreachable(refused), address: '10.0.0.2:4151', config: { isOurs: false } },
        }),
      ],
    }),
    status: 'warn',
    message: /^HTTP /,
  },
  {
    name: 'nsqlookupd is out of reach from here, but not for its nsqds',
    check: 'connect',
    facts: facts({ registrars: [{ ...unreachable(late, 'lookupd'), nsqds: ['10.0.0.2:4151'] }] }),
  },
  {
    name: 'the HTTP port is given for the TCP port',
    check: 'service',
    facts: facts({
      nsqds: [
        unregistered(
          nsqd({
            wire: { ...unreachable(refused), address: '10.0.0.2:4151', isConnected: true, service: 'http' },
            http: http({ about: { ...about, tcpPort: 4250 } }),
          }),
        ),
      ],
    }),
    status: 'fail',
    message: /10\.0\.0\.2:4151 is the HTTP port of an nsqd, not the TCP port of an nsqd/,
    remedy: /--nsqd-http-address.* 4250/,
  },
  {
    name: 'the TCP port is given for the HTTP port of nsqlookupd',
    check: 'service',
    facts: facts({ lookupds: [lookupd({ service: 'nsqlookupd-tcp' })] }),
    status: 'fail',
    message: /is the TCP port of an nsqlookupd/,
    remedy: /4161/,
  },
  {
    name: 'nsqd is told to register at an HTTP port',
    check: 'service',
    facts: facts({
      registrars: [
        {
          address: '10.0.0.9:4161',
          name: { host: '10.0.0.9', addresses: ['10.0.0.9'] },
          isConnected: true,
          service: 'http',
          nsqds: ['10.0.0.2:4151'],
        },
      ],
    }),
    status: 'fail',
    remedy: /nsqd 10\.0\.0\.2:4151 with another --lookupd-tcp-address/,
  },
  {
    name: 'a container is known by a name that only containers know',
    check: 'broadcast',
    facts: facts({ nsqds: [lostContainer] }),
    status: 'fail',
    message: /"3f2a1b4c5d6e".*the name of a container/,
    remedy: /--broadcast-address/,
  },
  {
    name: 'and it is known where it can be reached',
    check: 'broadcast',
    facts: facts({ nsqds: [{ ...lostContainer, reachableAt: ['172.18.0.3:4150'] }] }),
    status: 'fail',
    message: /it answers at 172\.18\.0\.3:4150/,
    remedy: /172\.18\.0\.3 would do/,
  },
  { name: 'that is not said twice', check: 'dns', facts: facts({ nsqds: [lostContainer] }) },
  { name: 'nor so', check: 'connect', facts: facts({ nsqds: [lostContainer] }) },
  {
    name: 'the address of a network of containers leads nowhere from here',
    check: 'broadcast',
    facts: facts({ nsqds: [nsqd({ wire: unreachable(late) })] }),
    status: 'fail',
    message: /ETIMEDOUT/,
  },
  {
    name: 'clients of other machines are sent to their own',
    check: 'broadcast',
    facts: facts({
      nsqds: [
        nsqd({
          registered: loopback,
          wire: wire({ address: '127.0.0.1:4150' }),
          http: http({ about: { ...about, broadcastAddress: '127.0.0.1' } }),
        }),
      ],
    }),
    status: 'warn',
    message: /127\.0\.0\.1:4150/,
  },
  {
    name: 'another nsqd answers',
    check: 'broadcast',
    facts: withHttp({ about: { ...about, hostname: 'seven' } }),
    status: 'fail',
    message: /another nsqd answers: that of seven.*not that of two/,
  },
  {
    name: 'nsqlookupd would be told a name that is unknown here',
    check: 'broadcast',
    facts: facts({
      lookupds: [],
      nsqds: [{ ...unregistered(), broadcast: { host: 'web', addresses: [], failure: unresolved } }],
    }),
    status: 'warn',
    message: /"web"/,
  },
  {
    name: 'a port is silent',
    check: 'protocol',
    facts: facts({
      nsqds: [nsqd({ wire: { ...unreachable(late), isConnected: true } })],
    }),
    status: 'fail',
    message: /no answer within/,
  },
  {
    name: 'nsqd refuses',
    check: 'protocol',
    facts: withWire({ refusal: 'E_BAD_BODY IDENTIFY failed' }),
    status: 'fail',
    message: /E_BAD_BODY/,
  },
  {
    name: 'TLS is demanded',
    check: 'tls',
    facts: withWire({ refusal: 'E_INVALID cannot NOP in current state (TLS required)' }),
    status: 'fail',
    remedy: /--tls\b/,
  },
  {
    name: 'and that is not said twice',
    check: 'protocol',
    facts: withWire({ refusal: 'E_INVALID cannot NOP in current state (TLS required)' }),
  },
  {
    name: 'TLS is not offered',
    check: 'tls',
    facts: withWire({}, { tls: true }),
    status: 'fail',
    remedy: /--tls-cert/,
  },
  {
    name: 'all is well with TLS',
    check: 'tls',
    facts: withWire(overTls, { tls: true }),
    status: 'ok',
    message: /TLSv1\.3.*90 days/,
  },
  {
    name: 'a certificate ends soon',
    check: 'tls',
    facts: withWire({ ...overTls, certificate: { ...certificate, validTo: AT + 3.5 * DAY } }, { tls: true }),
    status: 'warn',
    message: /no more than 3 days/,
  },
  {
    name: 'a certificate is not trusted',
    check: 'tls',
    facts: withWire(
      {
        ...overTls,
        certificate: { ...certificate, problem: { code: 'X', message: 'not trusted', remedy: '--tls-ca' } },
      },
      { tls: true },
    ),
    status: 'fail',
    remedy: /--tls-ca/,
  },
  {
    name: 'a certificate is not trusted, which is known',
    check: 'tls',
    facts: withWire(
      { ...overTls, certificate: { ...certificate, problem: { code: 'X', message: 'not trusted' } } },
      { tls: true, verify: false },
    ),
    status: 'warn',
  },
  {
    name: 'the HTTP API takes https only',
    check: 'tls',
    facts: withHttp({ ping: { status: 403, text: '{"message": "TLS_REQUIRED"}' } }),
    status: 'warn',
    remedy: /https/,
  },
  {
    name: 'and may be well otherwise',
    check: 'health',
    facts: withHttp({ ping: { status: 403, text: '{"message": "TLS_REQUIRED"}' } }),
  },
  {
    name: 'a secret is wanted',
    check: 'auth',
    facts: withWire({ identity: identity({ authRequired: true }), auth: 'no secret' }),
    status: 'fail',
    remedy: /NSQ_AUTH_SECRET/,
  },
  {
    name: 'a secret is refused',
    check: 'auth',
    facts: withWire({ auth: 'refused', refusal: 'E_AUTH_FAILED AUTH failed' }, { secret: true }),
    status: 'fail',
    message: /E_AUTH_FAILED/,
  },
  {
    name: 'an API answers nonsense',
    check: 'http',
    facts: withHttp({ statsFailure: { code: 'E_NSQD_REPLY', message: 'topics is not a list' } }),
    status: 'fail',
    message: /topics is not a list/,
  },
  {
    name: 'an API is slow',
    check: 'http',
    facts: withHttp({ ms: 3000 }),
    status: 'warn',
    message: /3000 ms/,
  },
  {
    name: 'an nsqd is ill',
    check: 'health',
    facts: withHttp({ ping: { status: 500, text: 'NOK - no space left' } }),
    status: 'fail',
    message: /no space left/,
    remedy: /disk/,
  },
  {
    name: 'an nsqd is taken out of service',
    check: 'health',
    facts: withHttp({ ping: { status: 500, text: 'NOK - draining: 7 messages are left' } }),
    status: 'warn',
    message: /takes no messages: NOK - draining: 7/,
    remedy: /undrain/,
  },
  {
    name: 'an nsqd is ill and drained',
    check: 'health',
    facts: withHttp({ ping: { status: 500, text: 'NOK - no space left; draining: 7 messages are left' } }),
    status: 'fail',
    message: /no space left/,
    remedy: /disk/,
  },
  {
    name: 'a clock is ahead',
    check: 'clock',
    facts: withHttp({ clock: { min: 89_000, max: 90_100 } }),
    status: 'warn',
    message: /89\.0 s ahead/,
    remedy: /NTP/,
  },
  {
    name: 'a clock is behind',
    check: 'clock',
    facts: facts({ lookupds: [lookupd({ clock: { min: -5000, max: -4000 } })] }),
    status: 'warn',
    message: /4\.0 s behind/,
  },
  {
    name: 'a slow answer proves nothing of a clock',
    check: 'clock',
    facts: withHttp({ clock: { min: -4000, max: 5000 } }),
  },
  {
    name: 'versions are mixed',
    check: 'version',
    facts: two({}, { wire: wire({ identity: identity({ version: '1.2.0' }) }) }),
    status: 'warn',
    message: /1\.2\.0 \(10\.0\.0\.3:4151\), 1\.3\.0 \(10\.0\.0\.2:4151\)/,
  },
  {
    name: 'an nsqd of nsq-ts beside official ones is no mixture',
    check: 'version',
    facts: two(
      {},
      {
        wire: wire({ identity: identity({ version: '0.1.0' }) }),
        http: http({ config: { isOurs: true } }),
      },
    ),
  },
  {
    name: 'a version is very old',
    check: 'version',
    facts: withWire({ identity: identity({ version: '0.3.8' }) }),
    status: 'warn',
    message: /0\.3\.8/,
  },
  {
    name: 'limits differ',
    check: 'limits',
    facts: two({}, { wire: wire({ identity: identity({ msgTimeout: 5000 }) }) }),
    status: 'warn',
    message: /1m0s \(10\.0\.0\.2:4151\), 5s \(10\.0\.0\.3:4151\)/,
    remedy: /--msg-timeout/,
  },
  {
    name: 'an nsqd is not registered, and was told nothing',
    check: 'registration',
    facts: facts({
      nsqds: [unregistered(nsqd({ http: http({ config: { isOurs: false, lookupds: [] } }) }))],
    }),
    status: 'warn',
    remedy: /--lookupd-tcp-address/,
  },
  {
    name: 'an nsqd is not registered where it was told to',
    check: 'registration',
    facts: facts({ nsqds: [unregistered()] }),
    status: 'fail',
    message: /10\.0\.0\.1:4160/,
  },
  {
    name: 'an nsqd is registered at one nsqlookupd of two',
    check: 'registration',
    facts: facts({ lookupds: [lookupd(), lookupd({ address: '10.0.0.5:4161' })] }),
    status: 'warn',
    message: /not registered at nsqlookupd 10\.0\.0\.5:4161/,
  },
  {
    name: 'nsqlookupd knows nobody',
    check: 'registration',
    facts: facts({ lookupds: [lookupd({ nodes: [] })], nsqds: [] }),
    status: 'warn',
    message: /no nsqd/,
  },
  {
    name: 'two nsqds have one address',
    check: 'duplicate',
    facts: facts({
      nsqds: [
        nsqd({
          registered: node({
            registrations: ['172.18.0.3:1', '172.18.0.4:2'].map(remoteAddress => ({
              lookupd: '10.0.0.1:4161',
              remoteAddress,
            })),
          }),
        }),
      ],
    }),
    status: 'fail',
    message: /2 times.*172\.18\.0\.3:1, 172\.18\.0\.4:2/,
  },
  {
    name: 'a registration is left over',
    check: 'duplicate',
    facts: facts({
      nsqds: [
        nsqd({
          registered: node({
            registrations: ['10.0.0.2:1', '10.0.0.2:2'].map(remoteAddress => ({
              lookupd: '10.0.0.1:4161',
              remoteAddress,
            })),
          }),
        }),
      ],
    }),
    status: 'warn',
  },
  {
    name: 'an nsqd is hidden',
    check: 'tombstone',
    facts: facts({
      lookupds: [
        lookupd({
          tombstones: [
            {
              topic: 'orders',
              node: '10.0.0.2:4151',
              since: AT,
              until: AT + 30_000,
              lookupd: '10.0.0.1:4161',
            },
          ],
        }),
      ],
      nsqds: [nsqd({ registered: node({ topics: [{ name: 'orders', tombstoned: true }] }) })],
    }),
    status: 'warn',
    message: /topic orders.*30 s more/,
  },
  {
    name: 'a topic has no channel',
    check: 'unread',
    facts: withTopics(topic('orders', { depth: 1234 })),
    status: 'warn',
    message: /1,234 messages wait in topic orders/,
    remedy: /nsq-ts channel create orders/,
  },
  {
    name: 'an ephemeral topic has no channel any more',
    check: 'unread',
    facts: withTopics(topic('reply-1#ephemeral', { depth: 1 })),
    status: 'ok',
  },
  {
    name: 'a channel has no consumer',
    check: 'unread',
    facts: withTopics(topic('orders', { channels: [channel('mail', { depth: 7 })] })),
    status: 'warn',
    message: /7 messages wait in channel mail of topic orders, which has no consumer/,
  },
  {
    name: 'consumers have not found an nsqd',
    check: 'unread',
    facts: two(
      {
        http: http({ stats: stats([topic('orders', { channels: [channel('mail', { clientCount: 3 })] })]) }),
      },
      { http: http({ stats: stats([topic('orders', { channels: [channel('mail', { depth: 1 })] })]) }) },
    ),
    status: 'warn',
    message: /1 message waits .*at nsqd 10\.0\.0\.3:4151, where none of its 3 consumers is connected/,
  },
  {
    name: 'very much is unread',
    check: 'unread',
    facts: withTopics(...Array.from({ length: 500 }, (_, i) => topic(`t${i}`, { depth: 1 }))),
    status: 'warn',
    message: /and 490 others/,
  },
  {
    name: 'a channel is paused',
    check: 'paused',
    facts: withTopics(topic('orders', { channels: [channel('mail', { depth: 7, paused: true })] })),
    status: 'warn',
    remedy: /channel unpause orders mail/,
  },
  {
    name: 'a topic is paused',
    check: 'paused',
    facts: withTopics(topic('orders', { depth: 7, paused: true })),
    status: 'warn',
    remedy: /topic unpause orders/,
  },
  {
    name: 'consumers do not keep up',
    check: 'backlog',
    facts: facts({ backlogs: [{ topic: 'orders', channel: 'mail', depth: 5000, in: 900, out: 300 }] }),
    status: 'warn',
    message: /900 a second against 300/,
  },
  {
    name: 'consumers catch up',
    check: 'backlog',
    facts: facts({ backlogs: [{ topic: 'orders', channel: 'mail', depth: 5000, in: 9, out: 300 }] }),
    status: 'ok',
  },
]

describe('judgements', () => {
  test('nothing is wrong where all is well', () => {
    const wrong = judge(facts()).filter(({ status }) => status === 'warn' || status === 'fail')
    assert.deepEqual(wrong, [])
  })

  for (const { name, check, facts: found, status, message, remedy } of cases) {
    test(`${check}: ${name}`, () => {
      const all = judge(found)
      const said = all.filter(finding => finding.check === check)
      const text = JSON.stringify(said, undefined, 2)
      if (status === undefined) {
        assert.ok(!said.some(each => each.status === 'warn' || each.status === 'fail'), text)
        return
      }
      const fits = said.filter(
        each =>
          each.status === status &&
          (message?.test(each.message) ?? true) &&
          (remedy?.test(each.remedy ?? '') ?? true),
      )
      assert.ok(fits.length > 0, text)
      for (const each of all) {
        const isTrouble = each.status === 'warn' || each.status === 'fail'
        assert.equal(each.remedy !== undefined, isTrouble, `${each.check}: ${each.message}`)
      }
    })
  }

  test('every check finds something in one of these', () => {
    const found = new Set(
      cases.filter(({ status }) => status === 'warn' || status === 'fail').map(each => each.check),
    )
    assert.deepEqual(
      checks.map(({ id }) => id).filter(id => !found.has(id)),
      [],
    )
  })

  test('ids are unique', () => {
    assert.equal(new Set(checks.map(({ id }) => id)).size, checks.length)
  })

  test('passwords in URLs are not shown', () => {
    const failure = { code: 'X', message: 'http://ada:secret@10.0.0.2:4151/ping cannot be reached' }
    const text = JSON.stringify(judge(withHttp({ failure })))
    assert.ok(text.includes('//10.0.0.2:4151/ping') && !text.includes('secret@'), text)
  })
})
