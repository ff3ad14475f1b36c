import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Consumer } from '../../../src/client/consumer/consumer.ts'
import { formatAddress } from '../../../src/util/address.ts'
import { serve } from '../../support/serve.ts'
import { diagnose, type Diagnosis, type Found, listen, registered, startCluster, startNsqd } from './rig.ts'

describe('doctor', () => {
  test('finds nothing wrong with a cluster that is well', async t => {
    const { lookupds, nsqds } = await startCluster(t, { nsqds: 2, lookupds: 2 })
    const addresses = lookupds.map(({ http }) => http)
    const found = await diagnose(['--lookupd-http-address', addresses.join()])
    assert.deepEqual(found.wrong, [])
    assert.equal(found.code, 0)
    for (const { http } of nsqds) {
      const checks = found.findings
        .filter(({ target }) => target === `nsqd ${http}`)
        .map(({ check }) => check)
      const wanted = [
        'connect',
        'broadcast',
        'protocol',
        'http',
        'health',
        'clock',
        'version',
        'registration',
      ]
      assert.deepEqual([...new Set(checks)], wanted)
    }
    assert.equal(found.findings.filter(({ check }) => check === 'disk').length, 2)
  })

  test('says where addresses come from, and that a variable is misspelt', async t => {
    const { nsqds } = await startCluster(t, { nsqds: 1, lookupds: 0 })
    const [{ tcp, http } = { tcp: '', http: '' }] = nsqds
    const env = {
      NSQ_NSQD_TCP_ADDRESS: tcp,
      NSQ_NSQD_HTTP_ADDRESS: http,
      NSQ_TOPPIC: 'x',
      // Of a program of the user.
      NSQ_HOST: 'nsqd',
      NSQ_PORT: '4150',
      NSQ_RECONNECT_INTERVAL: '5',
    }
    const found = await diagnose([], env)
    const said = found.findings.filter(({ check }) => check === 'addresses').map(({ message }) => message)
    assert.deepEqual(said, [
      `nsqd (HTTP) ${http}, by NSQ_NSQD_HTTP_ADDRESS`,
      `nsqd (TCP) ${tcp}, by NSQ_NSQD_TCP_ADDRESS`,
    ])
    assert.deepEqual(
      found.wrong.map(({ check, remedy }) => [check, remedy]),
      [['variables', 'Did you mean NSQ_TOPIC?']],
    )
    // One nsqd, though both its addresses were given.
    assert.equal(found.findings.filter(({ check }) => check === 'protocol').length, 1)
  })

  test('knows ports that are of another kind', async t => {
    const { lookupds, nsqds } = await startCluster(t, { nsqds: 1, lookupds: 1 })
    const [{ tcp, http } = { tcp: '', http: '' }] = nsqds
    const [lookupd = { tcp: '', http: '' }] = lookupds
    const cases: [flag: string, address: string, is: string, remedy: RegExp][] = [
      [
        'nsqd-tcp-address',
        http,
        'the HTTP port of an nsqd',
        new RegExp(`--nsqd-http-address.*${tcp.split(':')[1]}`),
      ],
      ['nsqd-tcp-address', lookupd.tcp, 'the TCP port of an nsqlookupd', /4150/],
      ['nsqd-tcp-address', lookupd.http, 'the HTTP port of an nsqlookupd', /--lookupd-http-address/],
      ['nsqd-http-address', tcp, 'the TCP port of an nsqd', /--nsqd-tcp-address/],
      ['nsqd-http-address', lookupd.tcp, 'the TCP port of an nsqlookupd', /4151/],
      ['nsqd-http-address', lookupd.http, 'the HTTP port of an nsqlookupd', /--lookupd-http-address/],
      ['lookupd-http-address', tcp, 'the TCP port of an nsqd', /--nsqd-tcp-address/],
      ['lookupd-http-address', http, 'the HTTP port of an nsqd', /--nsqd-http-address/],
      ['lookupd-http-address', lookupd.tcp, 'the TCP port of an nsqlookupd', /4161/],
    ]
    for (const [flag, address, is, remedy] of cases) {
      const found = await diagnose([`--${flag}`, address])
      const [first] = found.wrong
      assert.deepEqual([found.code, first?.check], [1, 'service'], `${flag} ${address}`)
      assert.ok(first?.message.startsWith(`${address} is ${is}, not `) === true, first?.message)
      assert.match(first?.remedy ?? '', remedy)
      assert.equal(found.wrong.length, 1, JSON.stringify(found.wrong))
    }
  })

  test('finds an nsqd whose broadcast address leads nowhere, and where it is', async t => {
    const { lookupds } = await startCluster(t, { nsqds: 0, lookupds: 1 })
    const [{ tcp, http } = { tcp: '', http: '' }] = lookupds
    const nsqd = await startNsqd(t, { broadcastAddress: 'a-container.invalid', lookupdTcpAddress: [tcp] })
    await registered(http, 1)
    const found = await diagnose(['--lookupd-http-address', http])
    assert.deepEqual([found.code, found.wrong.length], [1, 1], JSON.stringify(found.wrong))
    const { message, remedy, status } = only(found.wrong, 'broadcast')
    assert.equal(status, 'fail')
    assert.match(message, /"a-container\.invalid"/)
    assert.ok(message.includes(`it answers at ${formatAddress(nsqd.tcpAddress)}`), message)
    assert.match(remedy ?? '', /--broadcast-address.*127\.0\.0\.1 would do/)
  })

  test('knows an nsqd that was named in several ways as one', async t => {
    const { lookupds, nsqds } = await startCluster(t, { nsqds: 1, lookupds: 1 })
    const [{ tcp, http } = { tcp: '', http: '' }] = nsqds
    const named = ['--nsqd-http-address', `${local(http)},${http}`, '--nsqd-tcp-address', local(tcp)]
    for (const words of [named, [...named, '--lookupd-http-address', lookupds[0]?.http ?? '']]) {
      const { findings, wrong } = await diagnose(words)
      assert.deepEqual(wrong, [])
      assert.equal(findings.filter(({ check }) => check === 'protocol').length, 1)
    }
  })

  test('knows an nsqd that was named as the one whose broadcast address leads nowhere', async t => {
    const { lookupds } = await startCluster(t, { nsqds: 0, lookupds: 1 })
    const [lookupd = { tcp: '', http: '' }] = lookupds
    const nsqd = await startNsqd(t, {
      broadcastAddress: 'a-container.invalid',
      lookupdTcpAddress: [lookupd.tcp],
    })
    await registered(lookupd.http, 1)
    const named = formatAddress(nsqd.httpAddress)
    const { wrong } = await diagnose(['--lookupd-http-address', lookupd.http, '--nsqd-http-address', named])
    assert.deepEqual([wrong.length, wrong[0]?.check], [1, 'broadcast'], JSON.stringify(wrong))
    assert.ok(wrong[0]?.message.includes(`it answers at ${formatAddress(nsqd.tcpAddress)}`))
  })

  test('finds that another nsqd answers at an address that is registered', async t => {
    const other = await startNsqd(t, { broadcastAddress: '127.0.0.1' })
    const lookupd = await serve(t, (request, response) => {
      const producer = {
        remote_address: '127.0.0.1:5',
        hostname: 'not-this-one',
        broadcast_address: '127.0.0.1',
        tcp_port: other.tcpAddress.port,
        http_port: other.httpAddress.port,
        version: '1.3.0',
        topics: [],
        tombstones: [],
      }
      if (request.url === '/ping') response.end('OK')
      else if (request.url === '/info') response.end('{"version":"1.3.0"}')
      else if (request.url === '/nodes') response.end(JSON.stringify({ producers: [producer] }))
      else response.writeHead(404).end('{"message":"NOT_FOUND"}')
    })
    const { wrong } = await diagnose(['--lookupd-http-address', lookupd])
    assert.match(only(wrong, 'broadcast').message, /another nsqd answers.*not that of not-this-one/)
  })

  test('finds an nsqd that is not registered, as it was told an HTTP address', async t => {
    const { lookupds } = await startCluster(t, { nsqds: 0, lookupds: 1 })
    const [{ http } = { http: '' }] = lookupds
    const nsqd = await startNsqd(t, { broadcastAddress: '127.0.0.1', lookupdTcpAddress: [http] })
    const { wrong, code } = await diagnose([
      '--lookupd-http-address',
      http,
      '--nsqd-http-address',
      formatAddress(nsqd.httpAddress),
    ])
    assert.equal(code, 1)
    assert.match(only(wrong, 'service').remedy ?? '', /another --lookupd-tcp-address/)
    assert.match(
      only(wrong, 'registration', `nsqd ${formatAddress(nsqd.httpAddress)}`).message,
      /was told to/,
    )
  })

  test('an official nsqd that is ill, behind the times and without a clock', async t => {
    const address = await serve(t, (request, response) => {
      response.setHeader('Date', new Date(Date.now() + 3_600_000).toUTCString())
      const info = { version: '0.3.8', broadcast_address: 'x', hostname: 'h', http_port: 1, tcp_port: 2 }
      const topics = [{ topic_name: 'orders', depth: 3, channels: [] }]
      if (request.url === '/ping') response.writeHead(500).end('NOK - disk full')
      else if (request.url === '/info')
        response.end(JSON.stringify({ status_code: 200, status_txt: 'OK', data: info }))
      else if (request.url?.startsWith('/stats') === true) {
        response.end(JSON.stringify({ status_code: 200, status_txt: 'OK', data: { topics } }))
      } else response.writeHead(404).end('{"message":"NOT_FOUND"}')
    })
    const { wrong } = await diagnose(['--nsqd-http-address', address])
    assert.match(only(wrong, 'health').message, /NOK - disk full/)
    assert.match(only(wrong, 'clock').message, /3[56]\d\d\.\d s ahead/)
    assert.match(only(wrong, 'version').message, /0\.3\.8/)
    assert.match(only(wrong, 'unread').message, /3 messages wait in topic orders/)
    // Its TCP port is one that nobody has.
    assert.equal(only(wrong, 'connect').target, `nsqd ${address}`)
  })

  test('servers that are silent, close, or send rubbish do not hold it up', async t => {
    const silent = await listen(t, () => {})
    const closing = await listen(t, socket => socket.end())
    const rubbish = await listen(t, socket => socket.end('SSH-2.0-OpenSSH_9.2\r\n\u001b[31m'))
    const endless = await listen(t, socket => {
      socket.write(Buffer.from([0, 0, 0, 10, 0, 0, 0, 0]))
      socket.on('data', () => {})
    })
    const addresses = [silent, closing, rubbish, endless]
    const tcp = await diagnose(['--timeout', '100ms', '--nsqd-tcp-address', addresses.join()])
    assert.equal(tcp.code, 1)
    assert.deepEqual(checksBy(tcp, addresses), ['protocol', 'protocol', 'service', 'protocol'])
    const http = await diagnose(['--timeout', '100ms', '--nsqd-http-address', addresses.join()])
    assert.deepEqual(checksBy(http, addresses), ['http', 'http', 'service', 'service'])
    const lookupd = await diagnose(['--timeout', '100ms', '--lookupd-http-address', addresses.join()])
    assert.deepEqual(checksBy(lookupd, addresses, 'nsqlookupd'), ['http', 'http', 'service', 'service'])
  })

  test('says so when nobody is there', async () => {
    const found = await diagnose([
      '--nsqd-tcp-address',
      'no-such-host.invalid',
      '--nsqd-http-address',
      '127.0.0.1:1',
    ])
    assert.equal(found.code, 1)
    assert.deepEqual(found.wrong.map(({ check }) => check).sort(), ['connect', 'dns'])
  })

  test('says what nobody reads, and looks twice where somebody does', async t => {
    const nsqd = await startNsqd(t, { broadcastAddress: '127.0.0.1' })
    nsqd.topic('orders').channel('mail')
    nsqd.topic('orders').channel('stock')
    const http = formatAddress(nsqd.httpAddress)
    const body = Array.from({ length: 2000 }, () => 'x').join('\n')
    await fetch(`http://${http}/mpub?topic=orders`, { method: 'POST', body })
    const consumer = new Consumer({
      topic: 'orders',
      channel: 'stock',
      nsqd: formatAddress(nsqd.tcpAddress),
      maxInFlight: 1,
      onMessage: () => {},
    })
    t.after(() => consumer.close())
    await consumer.start()
    const { wrong, findings } = await diagnose(['--nsqd-http-address', http])
    assert.match(only(wrong, 'unread').message, /2,000 messages wait in channel mail/)
    assert.match(only(findings, 'backlog').message, /wait in channel stock of topic orders, and no more come/)
  })
})

function local(address: string): string {
  return address.replace('127.0.0.1', 'localhost')
}

function only(findings: readonly Found[], check: string, target?: string): Found {
  const found = findings.filter(
    each => each.check === check && (target === undefined || each.target === target),
  )
  const [first] = found
  assert.ok(first !== undefined && found.length === 1, JSON.stringify(findings, undefined, 2))
  return first
}

/** The check that found what is wrong with each. */
function checksBy({ wrong }: Diagnosis, addresses: readonly string[], daemon = 'nsqd'): string[] {
  return addresses.map(address =>
    wrong
      .filter(({ target }) => target === `${daemon} ${address}`)
      .map(({ check }) => check)
      .join(),
  )
}
