/** topic list, channel list, nodes, tombstone: in this process, against real daemons and replies of official ones. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { http, tcp } from '../../client/daemons.ts'
import { daemons, eventually, fake, nsqdReplies, producer, topicReply } from '../../cluster/rig.ts'
import { addresses, atTerminal, nsq } from './rig.ts'

describe('topic list and channel list', () => {
  test('names for other commands, a table for a person, JSON for a program', async t => {
    const { nsqds, cluster } = await daemons(t, { nsqds: 2, lookupds: 1 })
    const [one, two] = nsqds
    assert.ok(one && two)
    one.topic('orders').channel('mail')
    two.topic('orders').channel('mail').pause()
    two.topic('logs').pause()
    await cluster.createChannel('tmp-1', 'later')
    await one.publish('orders', [Buffer.from('x')], 0)
    await eventually(async () => (await cluster.topics()).value.length === 3)
    await eventually(async () => (await cluster.producersOf('orders')).value.length === 2)
    await eventually(async () => (await cluster.channels('orders')).value.length === 1)
    const flags = addresses(cluster)

    const names = await nsq(['topic', 'list', ...flags])
    assert.deepEqual([names.code, names.out, names.err], [0, 'logs\norders\ntmp-1\n', ''])
    assert.equal((await nsq(['topic', 'list', 'tmp*', 'orders', ...flags])).out, 'orders\ntmp-1\n')
    assert.equal((await nsq(['channel', 'list', ...flags])).out, 'orders mail\ntmp-1 later\n')
    assert.equal((await nsq(['channel', 'list', 'orders', ...flags])).out, 'mail\n')

    const table = await atTerminal(['topic', 'list', ...flags], undefined)
    assert.deepEqual(table.out.split('\n'), [
      'TOPIC   CHANNELS  WAITING  CONSUMERS  NSQDS  STATE',
      'logs           0        0          0      1  paused',
      'orders         1        1          0      2  1 channel paused',
      'tmp-1          1        0          0      0  at no nsqd',
      '',
    ])
    const channels = await atTerminal(['channel', 'list', 'orders', 'tmp-1', ...flags], undefined)
    assert.deepEqual(channels.out.split('\n'), [
      'TOPIC   CHANNEL  WAITING  IN FLIGHT  DEFERRED  CONSUMERS  NSQDS  STATE',
      'orders  mail           1          0         0          0      2  paused',
      'tmp-1   later          0          0         0          0      0  at no nsqd',
      '',
    ])

    const numbers = { depth: 1, in_flight: 0, deferred: 0, connections: 0, messages: 1 }
    assert.deepEqual((await nsq(['topic', 'list', 'orders', '--json', ...flags])).json(), [
      {
        topic: 'orders',
        channels: ['mail'],
        nsqds: [http(one), http(two)].sort(),
        undistributed: 0,
        ...numbers,
        paused: false,
      },
    ])
    assert.deepEqual((await nsq(['channel', 'list', 'orders', '--json', ...flags])).json(), [
      { topic: 'orders', channel: 'mail', nsqds: [http(one), http(two)].sort(), ...numbers, paused: true },
    ])
  })

  test('a table is no wider than the terminal, and has what tells most', async t => {
    const { nsqds, cluster } = await daemons(t, { nsqds: 1, lookupds: 1 })
    const [long, longer] = ['t'.repeat(64), 'c'.repeat(54) + '#ephemeral']
    nsqds[0]?.topic(long).channel(longer).pause()
    await eventually(async () => (await cluster.channels(long)).value.length === 1)
    const flags = addresses(cluster)
    for (const words of [['topic', 'list'], ['channel', 'list'], ['nodes']]) {
      for (const columns of [40, 80]) {
        const { code, out } = await atTerminal([...words, ...flags], undefined, columns)
        const [head = '', ...rows] = out.split('\n')
        assert.equal(code, 0)
        assert.match(head, /^(TOPIC|NSQD) .*WAITING.* STATE$/)
        assert.match(rows[0] ?? '', words.includes('nodes') ? /^127\.0\.0\.1:\d+ .* OK$/ : /^t+~t+ .*aused$/)
        for (const row of [head, ...rows]) assert.ok(row.length <= columns, row)
      }
    }
    const wide = await atTerminal(['channel', 'list', ...flags], undefined, 300)
    assert.ok(wide.out.includes(` ${longer} `))
  })

  test('nothing there, and a name that is not', async t => {
    const { cluster } = await daemons(t, { nsqds: 1, lookupds: 1 })
    const flags = addresses(cluster)
    const none = await atTerminal(['topic', 'list', ...flags], undefined)
    assert.deepEqual([none.code, none.out], [0, ''])
    assert.equal(none.err, `There is no topic at ${cluster.lookupds.join()}.\n`)
    assert.equal((await nsq(['channel', 'list', ...flags])).out, '')
    await cluster.createTopic('orders')
    const { code, err } = await nsq(['channel', 'list', 'oders', ...flags])
    assert.equal(code, 1)
    assert.match(err, /there is no topic oders\n {2}Did you mean orders\?/)
  })

  test('a daemon that is down makes the list incomplete: said, and exit code 1', async t => {
    const { nsqds, cluster } = await daemons(t, { nsqds: 2 })
    nsqds[0]?.topic('orders')
    await nsqds[1]?.close()
    const { code, out, err } = await nsq(['topic', 'list', ...addresses(cluster)])
    assert.deepEqual([code, out], [1, 'orders\n'])
    assert.match(err, /cannot be reached/)
  })

  test('names that daemons have made up move no cursor', async t => {
    const nsqd = await fake(t, nsqdReplies([topicReply('\u001b[2J\u009bevil\n')]))
    const flags = [`--nsqd-http-address=${nsqd.address}`]
    assert.match((await atTerminal(['topic', 'list', ...flags], undefined)).out, /^\\x1b\[2J\\x9bevil +0/m)
    const { out } = await nsq(['topic', 'list', '--json', ...flags])
    assert.match(out, /"topic":"\\u001b\[2J\\u009bevil\\n"/)
  })
})

describe('nodes', () => {
  test('each nsqd, how it is, and who knows it', async t => {
    const { nsqds, lookupds, cluster } = await daemons(t, { nsqds: 2, lookupds: 2 })
    const [one] = nsqds
    assert.ok(one)
    one.topic('orders')
    await one.publish('orders', [Buffer.from('x')], 0)
    await eventually(async () => (await cluster.producersOf('orders')).value.length === 1)
    const { code, out } = await nsq(['nodes', ...addresses(cluster)])
    assert.equal(code, 0)
    const [head = '', ...rows] = out.trimEnd().split('\n')
    assert.match(head, /^NSQD +TCP +HOSTNAME +VERSION +TOPICS +WAITING +NSQLOOKUPDS +STATE$/)
    assert.equal(rows.length, 2)
    const row = rows.find(line => line.startsWith(http(one)))
    assert.match(row ?? '', new RegExp(`${tcp(one)} .* 1 +1 +2 of 2 +OK$`))
    const json = (await nsq(['nodes', '--json', ...addresses(cluster)])).json()
    const line = json.find(each => each['nsqd'] === http(one))
    assert.deepEqual(
      [line?.['health'], line?.['topics'], line?.['depth'], line?.['error'], line?.['nsqlookupds']],
      ['OK', ['orders'], 1, null, lookupds.map(http)],
    )
  })

  test('one that does not answer is listed, and the exit code is 1', async t => {
    const nsqd = await fake(t, nsqdReplies([]))
    const down = producer('127.0.0.1:1', { topics: ['t'], tombstones: [true] })
    const lookupd = await fake(t, { '/nodes': { producers: [producer(nsqd.address), down] } })
    const { code, out, err } = await nsq(['nodes', `--lookupd-http-address=${lookupd.address}`])
    assert.equal(code, 1)
    assert.match(out, /^127\.0\.0\.1:1 .* 1 +- +1 of 1 +does not answer; hidden for t$/m)
    assert.match(out, /1 of 1 +OK$/m)
    assert.match(err, /127\.0\.0\.1:1\/stats cannot be reached/)
    const given = await nsq(['nodes', `--nsqd-http-address=${nsqd.address},127.0.0.1:1`])
    assert.equal(given.code, 1)
    assert.match(given.out, /^127\.0\.0\.1:1 +- +- +- +0 +- +does not answer$/m)
  })

  test('none at all', async t => {
    const lookupd = await fake(t, { '/nodes': { producers: null } })
    const { code, out, err } = await nsq(['nodes', `--lookupd-http-address=${lookupd.address}`])
    assert.deepEqual([code, out], [0, ''])
    assert.match(err, /no nsqd is registered at nsqlookupd/)
  })
})

describe('tombstone', () => {
  test('asks, hides and deletes; --keep only hides; without arguments what is hidden', async t => {
    const { nsqds, lookupds, cluster } = await daemons(t, { nsqds: 2, lookupds: 1 })
    const [one, two] = nsqds
    assert.ok(one && two)
    one.topic('orders')
    two.topic('orders')
    await eventually(async () => (await cluster.producersOf('orders')).value.length === 2)
    const flags = addresses(cluster)
    const [lookupd = ''] = lookupds.map(http)
    assert.match((await nsq(['tombstone', ...flags])).err, /nothing is hidden/)

    // By the address for clients, which everybody knows.
    const kept = await nsq(['tombstone', 'orders', tcp(one), '--keep', ...flags])
    assert.deepEqual([kept.code, kept.err], [0, ''])
    assert.equal(kept.out, `topic orders of ${http(one)}: hidden at nsqlookupd ${lookupd}\n`)
    assert.ok(one.topics.has('orders'))

    const list = await nsq(['tombstone', ...flags])
    assert.match(list.out, /^TOPIC +NSQD +SHOWN AGAIN IN +NSQLOOKUPD\norders +127\.0\.0\.1:\d+ +\d+s +127/)
    const [line] = (await nsq(['tombstone', '--json', ...flags])).json()
    assert.deepEqual([line?.['topic'], line?.['nsqd'], line?.['nsqlookupd']], ['orders', http(one), lookupd])

    const words = ['tombstone', 'orders', http(two), ...flags]
    assert.equal((await nsq(words)).code, 2)
    const no = await atTerminal(words, 'n\n')
    assert.equal(no.code, 1)
    assert.match(
      no.err,
      /^ {2}orders: 0 messages waiting.*\nHide orders of 127\S*, and delete it there\? \[y\/N\] /,
    )
    assert.ok(two.topics.has('orders'))
    const yes = await atTerminal(words, 'y\n')
    assert.equal(yes.code, 0)
    assert.equal(
      yes.out,
      `topic orders of ${http(two)}: hidden at nsqlookupd ${lookupd}, and deleted at nsqd ${http(two)}\n`,
    )
    assert.equal(two.topics.has('orders'), false)
  })

  test('an nsqd or a topic that is not there', async t => {
    const { nsqds, cluster } = await daemons(t, { nsqds: 1, lookupds: 1 })
    const [one] = nsqds
    assert.ok(one)
    one.topic('orders')
    await eventually(async () => (await cluster.producersOf('orders')).value.length === 1)
    const flags = [...addresses(cluster), '--yes']
    const node = await nsq(['tombstone', 'orders', '10.0.0.1:4151', ...flags])
    assert.equal(node.code, 1)
    assert.match(node.err, /there is no nsqd 10\.0\.0\.1:4151\n/)
    const topic = await nsq(['tombstone', 'oders', http(one), ...flags])
    assert.match(topic.err, /there is no topic oders at 127.*\n {2}Did you mean orders\?/)
    assert.equal((await nsq(['tombstone', 'orders', ...flags])).code, 2)
    const lookup = await nsq(['tombstone', 'orders', http(one), '--yes', `--nsqd-http-address=${http(one)}`])
    assert.equal(lookup.code, 1)
    assert.match(lookup.err, /tombstones are kept by nsqlookupd/)
    assert.ok(one.topics.has('orders'))
  })

  test('an official nsqlookupd cannot tell; an nsqd that is down is hidden all the same', async t => {
    const producers = [producer('127.0.0.1:1', { topics: ['t'] })]
    const lookupd = await fake(t, { '/nodes': { producers }, '/topic/tombstone': '' })
    const flags = [`--lookupd-http-address=${lookupd.address}`]
    assert.match((await nsq(['tombstone', ...flags])).err, /cannot tell what it hides: it is an official one/)
    const { code, out, err } = await nsq(['tombstone', 't', '127.0.0.1:1', '--yes', ...flags])
    assert.equal(code, 1)
    assert.equal(out, `topic t of 127.0.0.1:1: hidden at nsqlookupd ${lookupd.address}\n`)
    assert.match(err, /cannot be reached/)
  })
})
