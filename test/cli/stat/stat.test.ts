/** The command, in this process, against real daemons. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, test, type TestContext } from 'node:test'
import { until } from '../../support/wait.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { start } from '../../nsqd/running.ts'
import { type Ran, StatRig } from './rig.ts'

/** Nothing listens there. */
const NOBODY = '127.0.0.1:1'
const SOON = ['--interval', '20ms']

async function startRig(t: TestContext, ...topics: string[]): Promise<StatRig> {
  const rigs: StatRig[] = []
  // Before the folder goes: hooks run in this order.
  t.after(() => Promise.all(rigs.map(rig => rig.close())))
  const rig = await StatRig.start(temporaryFolder(), ...topics)
  rigs.push(rig)
  return rig
}

interface Json {
  status: string
  seconds: number | null
  nsqds: { address: string; health: string | null; error: string | null }[]
  errors: { code: string; message: string }[]
  totals: { topics: number; channels: number; depth: number } | null
  topics: {
    topic: string
    channels: { channel: string; depth: number; in: number | null; paused: boolean }[]
  }[]
}

function reports(out: string): Json[] {
  return out
    .trimEnd()
    .split('\n')
    .map((line): Json => JSON.parse(line))
}

/** Of its first channel. */
function rateIn(report: Json | undefined): number {
  return report?.topics[0]?.channels[0]?.in ?? 0
}

describe('stat', () => {
  test('prints one table, over all nsqds, and ends', async t => {
    const rig = await startRig(t, 'orders:mail,stock', 'other:a')
    await rig.publish('orders', 3, 0)
    await rig.publish('orders', 4, 1)
    await rig.post('/channel/pause?topic=orders&channel=stock', 1)
    const { code, out, err } = await rig.run(['--count', '1', ...SOON])
    assert.equal(code, 0)
    assert.equal(err, '')
    const [head, ...rows] = out
      .trimEnd()
      .split('\n')
      .map(line => line.split(/ +/))
    assert.deepEqual(head?.slice(0, 3), ['TOPIC', 'CHANNEL', 'DEPTH'])
    assert.deepEqual(
      rows.map(row => [...row.slice(0, 3), row.at(-1)]),
      [
        ['orders', 'mail', '7', '-'],
        ['orders', 'stock', '7', 'paused'],
        ['other', 'a', '0', '-'],
        ['TOTAL', '-', '14', '-'],
      ],
    )
  })

  test('names, patterns and depths choose', async t => {
    const rig = await startRig(t, 'orders:mail,stock', 'ordinary:mail', 'other:a')
    await rig.publish('orders', 2)
    const first = async (...args: string[]): Promise<string[]> => {
      const { out } = await rig.run([...args, '--count', '1', ...SOON])
      return out
        .trimEnd()
        .split('\n')
        .slice(1, -1)
        .map(line => line.split(/ +/).slice(0, 2).join('/'))
    }
    assert.deepEqual(await first('ord*', '--channel', 'm*'), ['orders/mail', 'ordinary/mail'])
    assert.deepEqual(await first('orders', '--channel', 'stock,mail'), ['orders/mail', 'orders/stock'])
    assert.deepEqual(await first('--topic', 'o????,ordinary'), ['ordinary/mail', 'other/a'])
    assert.deepEqual(await first('--min-depth', '1', '--sort', 'depth'), ['orders/mail', 'orders/stock'])
    assert.deepEqual(await first('nothing*'), [])
  })

  test('--json prints an object a report, with rates', async t => {
    const rig = await startRig(t, 'orders:mail')
    const { around, done } = rig.begin(['--json', ...SOON])
    // One that is still under way at the end comes to nothing.
    const publishing = setInterval(() => void rig.publish('orders', 10).catch(() => {}), 10)
    t.after(() => clearInterval(publishing))
    const last = (): Json | undefined =>
      reports(around.out().slice(0, around.out().lastIndexOf('\n') + 1)).at(-1)
    await until(() => around.out().includes('\n') && rateIn(last()) > 0)
    around.stop.abort()
    assert.equal((await done).code, 0)
    const report = reports(around.out()).find(each => rateIn(each) > 0)
    assert.ok(report)
    assert.equal(report.status, 'ok')
    assert.ok(Number(report.seconds) > 0)
    assert.deepEqual(report.nsqds.map(({ address }) => address).sort(), rig.nsqds.toSorted())
    assert.deepEqual(report.errors, [])
    assert.equal(report.totals?.channels, 1)
    assert.ok(report.totals.depth > 0)
  })

  test('--count is how many reports', async t => {
    const rig = await startRig(t, 'orders:mail')
    assert.equal(reports((await rig.run(['--json', '--count', '3', ...SOON])).out).length, 3)
    const { out } = await rig.run(['--count', '2', ...SOON])
    assert.equal(out.match(/^TOPIC /gm)?.length, 2)
  })

  test('--prometheus prints the metrics of nsqd', async t => {
    const rig = await startRig(t, 'orders:mail', 'other:a')
    await rig.publish('orders', 5)
    const { code, out } = await rig.run(['--prometheus', 'orders'])
    assert.equal(code, 0)
    const [nsqd = ''] = rig.nsqds
    assert.ok(out.includes(`\nnsqd_up{nsqd="${nsqd}"} 1\n`))
    assert.ok(out.includes(`\nnsqd_channel_depth{nsqd="${nsqd}",topic="orders",channel="mail"} 5\n`))
    assert.doesNotMatch(out, /other|\n\n/)
  })

  test('--warn-depth and --critical-depth are exit codes', async t => {
    const rig = await startRig(t, 'orders:mail')
    await rig.publish('orders', 10)
    const code = async (...args: string[]): Promise<number> =>
      (await rig.run([...args, ...SOON, '--count', '1'])).code
    assert.equal(await code('--warn-depth', '11', '--critical-depth', '12'), 0)
    assert.equal(await code('--warn-depth', '10', '--critical-depth', '12'), 3)
    assert.equal(await code('--warn-depth', '1', '--critical-depth', '10', '--json'), 4)
    const { err } = await rig.run(['--critical-depth', '10', '--count', '1', ...SOON])
    assert.equal(err, 'nsq-ts stat: critical: orders/mail 10\n')
    // Not all could be looked at.
    const some = ['--nsqd-http-address', `${rig.nsqds.join()},${NOBODY}`]
    assert.equal(await code('--warn-depth', '11', ...some), 1)
    assert.equal(await code('--warn-depth', '10', ...some), 3)
    assert.equal(await code(...some), 0)
  })

  test('a daemon that does not answer is a line', async t => {
    const rig = await startRig(t, 'orders:mail')
    const addresses = ['--nsqd-http-address', `${rig.nsqds.join()},${NOBODY}`]
    const { code, out, err } = await rig.run([...addresses, '--json', '--count', '2', ...SOON])
    assert.equal(code, 0)
    assert.match(err, /^nsq-ts stat: http:\/\/127\.0\.0\.1:1\/stats cannot be reached/)
    const [report] = reports(out)
    assert.equal(report?.errors.length, 1)
    assert.equal(report?.nsqds.length, 3)
    assert.match(String(report?.nsqds.find(({ address }) => address === NOBODY)?.error), /cannot be reached/)
  })

  test('when nobody answers at first, it fails', async t => {
    const rig = await startRig(t)
    for (const args of [
      ['--nsqd-http-address', NOBODY],
      ['--lookupd-http-address', NOBODY],
    ]) {
      const { code, err, out } = await rig.run([...args, '--json'])
      assert.equal(code, 1)
      assert.equal(out, '')
      assert.match(err, /cannot be reached.*\n {2}Check the HTTP addresses/)
    }
  })

  test('when nobody answers any more, it goes on, and says so', async t => {
    const nsqd = await start(t)
    await nsqd.http('POST', '/topic/create?topic=t')
    const rig = await startRig(t)
    const { host, port } = nsqd.nsqd.httpAddress
    const running = rig.begin(['--json', '--count', '0', ...SOON, '--nsqd-http-address', `${host}:${port}`])
    await until(() => running.around.out() !== '')
    await nsqd.stop()
    await until(() => running.around.out().includes('"unknown"'))
    assert.match(running.around.err(), /cannot be reached/)
    running.around.stop.abort()
    assert.equal((await running.done).code, 0)
    assert.equal(reports(running.around.out()).at(-1)?.totals, null)
  })

  test('unknown topics and channels are named, with near ones', async t => {
    const rig = await startRig(t, 'orders:mail,stock', 'other:a')
    const failed = async (...args: string[]): Promise<string> => {
      const { code, err, out } = await rig.run([...args, '--count', '1', ...SOON])
      assert.equal(code, 1)
      assert.equal(out, '')
      return err
    }
    assert.equal(await failed('ordres'), 'nsq-ts stat: there is no topic ordres\n  Did you mean orders?\n')
    assert.equal(
      await failed('orders', '--channel', 'mial'),
      'nsq-ts stat: the topic orders has no channel mial\n  Did you mean mail?\n',
    )
    assert.match(await failed('--channel', 'stok'), /there is no channel stok\n {2}Did you mean stock\?/)
    // With another that is there, it is a line.
    const { code, err, out } = await rig.run(['ordres', 'other', '--count', '1', ...SOON])
    assert.equal(code, 0)
    assert.equal(err, 'nsq-ts stat: there is no topic ordres. Did you mean orders?\n')
    assert.match(out, /^other /m)
  })

  test('what is nowhere is said, and a check does not pass without what it is for', async t => {
    const rig = await startRig(t, 'orders:mail')
    const once = (...args: string[]): Promise<Ran> => rig.run([...args, '--count', '1', ...SOON])
    await fetch(`http://${rig.lookupd}/topic/create?topic=later`, { method: 'POST' })

    assert.match((await once('zzz')).err, /there is no topic zzz\n {2}See nsq-ts topic list\.\n$/)
    const nowhere = await once('later')
    assert.equal(nowhere.code, 0)
    assert.match(nowhere.err, /^nsq-ts stat: no nsqd has the topic later\. .*\n$/)
    assert.match(nowhere.out, /^TOTAL /m)
    const none = await once('tmp-*', '--json')
    assert.equal(none.code, 0)
    assert.equal(none.err, 'nsq-ts stat: nothing is like tmp-*\n')

    const check = async (...args: string[]): Promise<number> =>
      (await once(...args, '--warn-depth', '9')).code
    assert.equal(await check('orders', '--channel', 'mail'), 0)
    assert.equal(await check('later'), 1)
    assert.equal(await check('orders', 'later'), 1)
    assert.equal(await check('orders', 'ordres'), 1)
    assert.equal(await check('orders', '--channel', 'mail,mial'), 1)
    assert.equal(await check('tmp-*'), 0)
  })

  test('what cannot be is refused', async t => {
    const rig = await startRig(t)
    for (const args of [
      ['--json', '--prometheus'],
      ['--prometheus', '--count', '2'],
      ['--prometheus', '--interval', '1s'],
      ['--prometheus', '--min-depth', '1'],
      ['--warn-depth', '2', '--critical-depth', '1'],
      ['--sort', 'colour'],
      ['no/name'],
      ['--interval', '0'],
      ['--nsqd-http-address', NOBODY, '--lookupd-http-address', NOBODY],
    ]) {
      const { code, err } = await rig.run(args)
      assert.equal(code, 2, args.join(' '))
      assert.match(err, /--help shows how to use it/)
    }
  })

  test('a signal ends it, and a check that has seen nothing has not passed', async t => {
    // It takes its time.
    const server = createServer(() => {})
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    const { port } = server.address() as AddressInfo
    const rig = await startRig(t, 'orders:mail')
    const stop = async (...args: string[]): Promise<number> => {
      const asked = once(server, 'request')
      const running = rig.begin([...args, '--nsqd-http-address', `127.0.0.1:${port}`])
      await asked
      running.around.stop.abort()
      const { code, out, err } = await running.done
      assert.equal(out + err, '')
      return code
    }
    assert.equal(await stop(), 0)
    assert.equal(await stop('--warn-depth', '1'), 1)
    // While near names are looked for.
    const slow = createServer(({ url = '' }, response) => {
      if (!url.startsWith('/topics')) response.end('{"channels":[],"producers":[]}')
    })
    t.after(() => {
      slow.closeAllConnections()
      slow.close()
    })
    await new Promise<void>(resolve => slow.listen(0, '127.0.0.1', resolve))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    const address = `127.0.0.1:${(slow.address() as AddressInfo).port}`
    const asked = new Promise<void>(resolve =>
      slow.on('request', ({ url = '' }) => url.startsWith('/topics') && resolve()),
    )
    const looking = rig.begin(['ordres', '--lookupd-http-address', address])
    await asked
    looking.around.stop.abort()
    assert.deepEqual(await looking.done, { code: 0, out: '', err: '' })
    // Between the first look and the next.
    const waiting = rig.begin(['--interval', '1h', '--nsqd-http-address', `${rig.nsqds.join()},${NOBODY}`])
    await until(() => waiting.around.err() !== '')
    waiting.around.stop.abort()
    assert.equal((await waiting.done).code, 0)
  })
})

describe('nsq_stat', () => {
  const flags = ['-topic', 'orders', '-channel', 'mail', '-interval', '30ms']

  test('prints its columns, with its flags', async t => {
    const rig = await startRig(t, 'orders:mail')
    await rig.publish('orders', 6)
    const times = ['-http-client-connect-timeout=1s', '-http-client-request-timeout', '2s']
    const { code, out } = await rig.run([...flags, ...times, '-count=2'], 'nsq_stat')
    assert.equal(code, 0)
    const [, head, ...lines] = out.trimEnd().split('\n')
    assert.match(head ?? '', /^ingress {2}egress \| {3}total {5}mem {4}disk inflt {3}def \| /)
    assert.equal(lines.length, 2)
    for (const line of lines) assert.match(line, /^ {6}0 {7}0 \| {7}6 .* 6 {7}0$/)
  })

  test('one topic and one channel are required, and must be there', async t => {
    const rig = await startRig(t, 'orders:mail')
    assert.equal((await rig.run(['-topic', 'orders'], 'nsq_stat')).code, 2)
    assert.equal((await rig.run([...flags, '-count', '0'], 'nsq_stat')).code, 2)
    const { code, err } = await rig.run(['-topic', 'orders', '-channel', 'mial'], 'nsq_stat')
    assert.equal(code, 1)
    assert.match(err, /nsq_stat: the topic orders has no channel mial\n {2}Did you mean mail\?/)
  })

  test('says that its channel is gone, and goes on', async t => {
    const rig = await startRig(t, 'orders:mail')
    const { around, done } = rig.begin(flags, 'nsq_stat')
    await until(() => around.out().split('\n').length > 3)
    for (const nsqd of [0, 1]) await rig.post('/channel/delete?topic=orders&channel=mail', nsqd)
    await until(() => around.err().includes('nsq_stat: the topic orders has no channel mail any more\n'))
    around.stop.abort()
    assert.equal((await done).code, 0)
  })

  test('goes on after a poll that failed', async t => {
    const nsqd = await start(t)
    await nsqd.http('POST', '/topic/create?topic=orders')
    await nsqd.http('POST', '/channel/create?topic=orders&channel=mail')
    const { host, port } = nsqd.nsqd.httpAddress
    const rig = await startRig(t)
    const running = rig.begin([...flags, '-nsqd-http-address', `${host}:${port}`], 'nsq_stat')
    const lines = (): number => running.around.out().split('\n').length
    await until(() => lines() > 4)
    await nsqd.stop()
    await until(() => /nsq_stat: .*cannot be reached/.test(running.around.err()))
    await nsqd.restart({ httpAddress: `${host}:${port}` })
    const before = lines()
    await until(() => lines() > before + 2)
    running.around.stop.abort()
    assert.equal((await running.done).code, 0)
  })
})

describe('on a terminal', () => {
  test('a single report is plain text, as wide as the screen', async t => {
    const rig = await startRig(t, 'orders:mail')
    const { done, terminal } = rig.beginLive(['--count', '1', ...SOON], 60, 12)
    assert.equal((await done).code, 0)
    assert.ok(!terminal.written.includes('\x1b'))
    assert.ok(terminal.written.split('\n').every(line => line.length <= 60))
    assert.match(terminal.written, /^TOPIC .*\norders  mail .*\nTOTAL .*\n$/)
  })

  test('--json is no table', async t => {
    const rig = await startRig(t, 'orders:mail')
    const { done, terminal } = rig.beginLive(['--json', '--count', '2', ...SOON], 60, 12)
    assert.equal((await done).code, 0)
    assert.equal(reports(terminal.written).length, 2)
  })
})

describe('the live table', () => {
  test('moves, obeys keys, and leaves what was seen last', async t => {
    const rig = await startRig(t, 'orders:mail,stock', 'other:a')
    const { terminal, keyboard, done } = rig.beginLive(SOON, 120, 12)
    const shows = (pattern: RegExp): Promise<void> =>
      until(
        () => terminal.screen.some(line => pattern.test(line)),
        () => `${pattern} on\n${terminal.screen.join('\n')}`,
      )
    await shows(/^orders +mail +0 /)
    await rig.publish('orders', 7)
    await shows(/^orders +mail +7 .*▇/)
    await shows(/^2 nsqds {2}2 topics {2}3 channels {2}every 20ms/)
    keyboard.write('s')
    await shows(/s sort: depth/)
    keyboard.write('/')
    keyboard.write('oth')
    await shows(/^filter: oth_/)
    await until(() => !terminal.screen.some(line => line.startsWith('orders')))
    keyboard.write('\r')
    keyboard.write('p')
    await shows(/PAUSED/)
    await rig.publish('other', 3)
    keyboard.write('p')
    await shows(/^other +a +3 /)
    terminal.resize(50, 8)
    await shows(/^TOPIC +CHANNEL +DEPTH +IN\/S +OUT\/S +STATE$/)
    keyboard.write('q')
    const { code } = await done
    assert.equal(code, 0)
    assert.ok(!keyboard.isRaw)
    const left = terminal.written.slice(terminal.written.lastIndexOf('\x1b[?1049l'))
    assert.match(left, /\nother +a +3 /)
    assert.doesNotMatch(left, /q quit/)
  })

  test('shows who does not answer, until he is back', async t => {
    const nsqd = await start(t)
    await nsqd.http('POST', '/topic/create?topic=t')
    const rig = await startRig(t)
    const { host, port } = nsqd.nsqd.httpAddress
    const addresses = `${host}:${port},${rig.nsqds[0]}`
    const { terminal, done, around } = rig.beginLive([...SOON, '--nsqd-http-address', addresses], 100, 12)
    const shows = (pattern: RegExp): Promise<void> =>
      until(() => terminal.screen.some(line => pattern.test(line)))
    await shows(/^2 nsqds/)
    await nsqd.stop()
    await shows(/^! .*cannot be reached/)
    await shows(/^1 of 2 nsqds/)
    await nsqd.restart({ httpAddress: `${host}:${port}` })
    await shows(/^2 nsqds/)
    await until(() => !terminal.screen.some(line => line.startsWith('!')))
    around.stop.abort()
    assert.equal((await done).code, 0)
  })

  test('says when nobody answers any more', async t => {
    // It answers once, as nsqd does, and then no more.
    let isUp = true
    const server = createServer((request, response) => {
      if (!isUp) request.socket.destroy()
      else
        response.end(
          JSON.stringify({
            version: '1',
            health: 'OK',
            start_time: 1,
            topics: [],
            tcp_port: 1,
            http_port: 1,
          }),
        )
    })
    t.after(() => server.close())
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- it listens on TCP
    const { port } = server.address() as AddressInfo
    const rig = await startRig(t)
    const address = ['--nsqd-http-address', `127.0.0.1:${port}`]
    const { terminal, keyboard, done } = rig.beginLive([...SOON, ...address], 100, 12)
    await until(() => terminal.screen.some(line => line.startsWith('no topics yet')))
    isUp = false
    await until(() => terminal.screen.some(line => line.startsWith('NOBODY ANSWERS')))
    keyboard.write('\x03')
    assert.equal((await done).code, 0)
  })

  test('ends after so many reports', async t => {
    const rig = await startRig(t, 'orders:mail')
    const { done, terminal } = rig.beginLive([...SOON, '--count', '2'], 100, 12)
    assert.equal((await done).code, 0)
    assert.match(terminal.written, /\norders +mail/)
  })
})
