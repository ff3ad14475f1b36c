/** topic and channel create, delete, empty, pause, unpause: in this process, against real daemons. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Cluster } from '../../../src/cluster/cluster.ts'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import { http } from '../../client/daemons.ts'
import { daemons, eventually, fake, nsqdReplies, Refusal, topicReply } from '../../cluster/rig.ts'
import { until } from '../../support/wait.ts'
import { addresses, atTerminal, fakeTerminal, nsq, run } from './rig.ts'

const NOBODY = '127.0.0.1:1'

/** Three nsqds and an nsqlookupd; the first two have orders, with the channels mail and stock and a message in each. */
async function orders(
  t: TestContext,
): Promise<{ nsqds: Nsqd[]; cluster: Cluster; flags: string[]; lookupd: string }> {
  const { nsqds, cluster } = await daemons(t, { nsqds: 3, lookupds: 1 })
  for (const nsqd of nsqds.slice(0, 2)) {
    nsqd.topic('orders').channel('mail')
    nsqd.topic('orders').channel('stock')
    await nsqd.publish('orders', [Buffer.from('x')], 0)
  }
  await eventually(async () => (await cluster.channels('orders')).value.length === 2)
  await eventually(async () => (await cluster.producersOf('orders')).value.length === 2)
  return { nsqds, cluster, flags: addresses(cluster), lookupd: cluster.lookupds[0] ?? '' }
}

function holders(nsqds: readonly Nsqd[]): string {
  return nsqds.slice(0, 2).map(http).sort().join(', ')
}

describe('create', () => {
  test('a topic at nsqlookupd, and its channels', async t => {
    const { cluster } = await daemons(t, { lookupds: 1 })
    const flags = addresses(cluster)
    const [lookupd = ''] = cluster.lookupds
    const made = await nsq(['topic', 'create', 'a', 'b', 'a', ...flags])
    assert.deepEqual([made.code, made.err], [0, ''])
    const later = `created at nsqlookupd ${lookupd}; an nsqd has it once something is published`
    assert.equal(made.out, `topic a: ${later}\ntopic b: ${later}\n`)
    assert.equal((await nsq(['channel', 'create', 'a', 'c', 'd', ...flags])).code, 0)
    assert.deepEqual((await cluster.channels('a')).value, ['c', 'd'])
  })

  test('with nsqds only, at each of them', async t => {
    const { nsqds, cluster } = await daemons(t, { nsqds: 2 })
    const { out } = await nsq(['topic', 'create', 'a', ...addresses(cluster)])
    assert.equal(out, `topic a: created at nsqd ${cluster.nsqds.join(', ')}\n`)
    assert.ok(nsqds.every(nsqd => nsqd.topics.has('a')))
  })

  test('no channel of a topic that there is not', async t => {
    const { cluster, flags } = await orders(t)
    const { code, err } = await nsq(['channel', 'create', 'order', 'c', ...flags])
    assert.equal(code, 1)
    assert.match(err, /there is no topic order\n {2}Did you mean orders\?/)
    assert.deepEqual((await cluster.topics()).value, ['orders'])
  })
})

describe('pause and unpause', () => {
  test('what is named or matches, on every nsqd that has it', async t => {
    const { nsqds, flags } = await orders(t)
    const where = `at nsqd ${holders(nsqds)}`
    assert.deepEqual(
      (({ code, out, err }) => ({ code, out, err }))(await nsq(['topic', 'pause', 'ord*', ...flags])),
      { code: 0, out: `topic orders: paused ${where}\n`, err: '' },
    )
    assert.ok(nsqds.slice(0, 2).every(nsqd => nsqd.topics.get('orders')?.paused))
    assert.equal(
      (await nsq(['topic', 'unpause', 'orders', ...flags])).out,
      `topic orders: unpaused ${where}\n`,
    )
    const paused = await nsq(['channel', 'pause', 'orders', '*', ...flags])
    assert.equal(
      paused.out,
      `channel mail of orders: paused ${where}\nchannel stock of orders: paused ${where}\n`,
    )
    assert.ok(nsqds[1]?.topics.get('orders')?.channels.get('stock')?.paused)
    assert.equal((await nsq(['channel', 'unpause', 'orders', 'mail', 'stock', ...flags])).code, 0)
    assert.equal(nsqds[1]?.topics.get('orders')?.channels.get('stock')?.paused, false)
  })

  test('in JSON', async t => {
    const { nsqds, flags } = await orders(t)
    const { json } = await nsq(['channel', 'pause', 'orders', 'mail', '--json', ...flags])
    const where = { nsqlookupds: [], nsqds: nsqds.slice(0, 2).map(http).sort() }
    assert.deepEqual(json(), [
      { topic: 'orders', channel: 'mail', action: 'pause', ok: true, ...where, errors: [] },
    ])
  })

  test('a topic that is at no nsqd', async t => {
    const { cluster } = await daemons(t, { lookupds: 1 })
    await cluster.createTopic('a')
    const { code, out } = await nsq(['topic', 'pause', 'a', ...addresses(cluster)])
    assert.deepEqual([code, out], [0, 'topic a: no nsqd has it at present, so there is nothing to pause\n'])
  })
})

describe('delete and empty', () => {
  test('need --yes where nobody can be asked', async t => {
    const { cluster, flags } = await orders(t)
    for (const words of [
      ['topic', 'delete', 'orders'],
      ['channel', 'empty', 'orders', 'mail'],
    ]) {
      const { code, err } = await nsq([...words, ...flags])
      assert.equal(code, 2)
      assert.match(err, /nobody can be asked: there is no terminal\n {2}Agree to it with --yes\./)
    }
    assert.deepEqual((await cluster.topics()).value, ['orders'])
  })

  test('several with --yes', async t => {
    const { nsqds, cluster, flags, lookupd } = await orders(t)
    const deleted = await nsq(['channel', 'delete', 'orders', 'mail', 'stock', '-y', ...flags])
    assert.equal(deleted.code, 0)
    const where = `deleted at nsqlookupd ${lookupd} and nsqd ${holders(nsqds)}`
    assert.equal(deleted.out, `channel mail of orders: ${where}\nchannel stock of orders: ${where}\n`)
    assert.deepEqual((await cluster.channels('orders')).value, [])
    assert.equal((await nsq(['topic', 'empty', 'orders', '--yes', ...flags])).code, 0)
    const { out } = await nsq(['topic', 'delete', 'orders', '--yes', ...flags])
    assert.equal(out, `topic orders: ${where}\n`)
    assert.ok(nsqds.every(nsqd => nsqd.topics.size === 0))
  })

  test('ask on a terminal, and say what would be lost', async t => {
    const { nsqds, cluster, flags } = await orders(t)
    const no = await atTerminal(['topic', 'delete', 'orders', ...flags], 'n\n')
    assert.equal(no.code, 1)
    assert.equal(no.out, '')
    assert.equal(
      no.err,
      '  orders: 4 messages waiting, 0 in flight, 0 deferred; 2 channels (mail, stock); no consumer; ' +
        'at 2 nsqds and 1 nsqlookupd\n' +
        'Delete this topic for good? [y/N] nsq-ts topic delete: nothing was deleted\n',
    )
    for (const typed of ['\n', 'yesterday\n', 'no\n']) {
      assert.equal((await atTerminal(['topic', 'delete', 'orders', ...flags], typed)).code, 1)
    }
    const empty = await atTerminal(['channel', 'empty', 'orders', 'mail', 'stock', ...flags], 'YES\n')
    assert.equal(empty.code, 0)
    assert.match(empty.err, /^ {2}mail: 2 messages waiting.*at 2 nsqds\n {2}stock: 2 messages waiting/)
    assert.match(empty.err, /Empty these 2 channels\? \[y\/N\] $/)
    assert.equal(nsqds[0]?.topics.get('orders')?.channels.get('mail')?.depth, 0)
    assert.equal((await atTerminal(['topic', 'delete', 'orders', ...flags], 'y\n')).code, 0)
    assert.deepEqual((await cluster.topics()).value, [])
  })

  test('of a topic, only what is in no channel', async t => {
    const { nsqds, flags } = await orders(t)
    const { code, err } = await atTerminal(['topic', 'empty', 'orders', ...flags], 'y\n')
    assert.equal(code, 0)
    assert.match(
      err,
      /orders: 0 messages in no channel yet; the 4 in its 2 channels stay \(see channel empty\)/,
    )
    assert.equal(nsqds[0]?.topics.get('orders')?.channels.get('mail')?.depth, 1)
  })

  test('the end of the input, and a signal, are no consent', async t => {
    const { cluster, flags } = await orders(t)
    const gone = fakeTerminal()
    gone.stdin.push(null)
    assert.equal((await run(['topic', 'delete', 'orders', ...flags], gone)).code, 1)
    const stopped = fakeTerminal()
    const running = run(['topic', 'delete', 'orders', ...flags], stopped)
    await until(() => stopped.err().includes('[y/N]'))
    stopped.stop.abort('SIGINT')
    const { code, err } = await running
    assert.equal(code, 1)
    assert.match(err, /\[y\/N\] \n.*nothing was deleted/)
    assert.deepEqual((await cluster.topics()).value, ['orders'])
  })

  test('take no patterns', async t => {
    const { flags } = await orders(t)
    for (const words of [
      ['topic', 'delete', 'o*'],
      ['channel', 'empty', 'orders', '*'],
    ]) {
      const { code, err } = await nsq([...words, '--yes', ...flags])
      assert.equal(code, 2)
      assert.match(err, /is a pattern, and this command takes names only\n {2}.*nsq-ts (topic|channel) list/)
    }
    assert.match((await nsq(['topic', 'create', 'o?', ...flags])).err, /takes names only/)
  })
})

describe('what cannot be done', () => {
  test('an unknown name changes nothing, and near ones are shown', async t => {
    const { nsqds, flags } = await orders(t)
    const topic = await nsq(['topic', 'pause', 'orders', 'oders', 'zzz', ...flags])
    assert.equal(topic.code, 1)
    assert.match(topic.err, /there are no topics oders, zzz\n {2}Did you mean orders\?/)
    assert.equal(nsqds[0]?.topics.get('orders')?.paused, false)
    const channel = await nsq(['channel', 'delete', 'orders', 'mial', '--yes', ...flags])
    assert.match(channel.err, /the topic orders has no channel mial\n {2}Did you mean mail\?/)
    assert.match(
      (await nsq(['channel', 'pause', 'orders', 'x*', ...flags])).err,
      /no channel like x\*\n {2}It has mail, stock\./,
    )
    assert.match(
      (await nsq(['topic', 'pause', 'zzz', ...flags])).err,
      /there is no topic zzz\n {2}See nsq-ts topic list/,
    )
    const none = await daemons(t, { lookupds: 1 })
    assert.match(
      (await nsq(['topic', 'pause', 'a', ...addresses(none.cluster)])).err,
      /There is no topic at all/,
    )
  })

  test('a pattern that nothing matches', async t => {
    const { flags } = await orders(t)
    assert.match((await nsq(['topic', 'pause', 'x*', ...flags])).err, /no topic matches x\*\n/)
  })

  test('words that are missing or wrong', async () => {
    for (const [words, complaint] of [
      [['topic', 'pause'], /no topic is named\n {2}Write it as nsq-ts topic pause TOPIC…/],
      [['channel', 'pause'], /no topic is named\n {2}Write it as nsq-ts channel pause TOPIC CHANNEL…/],
      [['channel', 'pause', 'orders'], /no channel is named/],
      [['topic', 'create', 'a b'], /"a b" is not the name of a topic/],
      [['channel', 'create', 'a', 'b!'], /"b!" is not the name of a channel/],
      [['channel', 'pause', 'o*', 'c'], /"o\*" is not the name of a topic/],
      [['topic', 'list', '--lookupd-http-address=a', '--nsqd-http-address=b'], /exclude each other/],
      [['topic', 'list', '--lookupd-http-address=http://'], /"http:\/\/" is not a URL/],
    ] as const) {
      const { code, err } = await nsq(words)
      assert.equal(code, 2, err)
      assert.match(err, complaint)
    }
  })

  test('three nsqds with one down: the others do it, and it is named, once', async t => {
    const { nsqds, cluster } = await daemons(t, { nsqds: 3 })
    for (const nsqd of nsqds) nsqd.topic('orders').channel('mail')
    const flags = addresses(cluster)
    const [down, ...up] = nsqds
    assert.ok(down)
    await down.close()
    const { code, out, err } = await nsq(['channel', 'pause', 'orders', 'mail', ...flags])
    assert.equal(code, 1)
    assert.equal(out, `channel mail of orders: paused at nsqd ${up.map(http).sort().join(', ')}\n`)
    assert.equal(err.match(new RegExp(http(down), 'g'))?.length, 2, err)
    assert.match(
      err,
      /^nsq-ts channel pause: http:\/\/127\.0\.0\.1:\d+\/\S* cannot be reached: connect ECONNREFUSED/,
    )
    const deleted = await nsq(['topic', 'delete', 'orders', '--yes', '--json', ...flags])
    assert.equal(deleted.code, 1)
    const [line] = deleted.json()
    assert.deepEqual([line?.['ok'], line?.['nsqds']], [false, up.map(http).sort()])
    assert.equal(
      (await nsq(['topic', 'pause', 'gone', ...flags])).err.includes('at the daemons that answer'),
      true,
    )
  })

  test('one name fails and the next is done', async t => {
    const replies = nsqdReplies([topicReply('a'), topicReply('b')])
    const nsqd = await fake(t, replies)
    const { reply } = nsqd
    nsqd.reply = path => {
      if (path === '/topic/pause?topic=b') return { status: 200, body: '' }
      return path.startsWith('/topic/pause')
        ? { status: 500, body: '{"message":"\\u001b[31mINTERNAL\\u009b_ERROR"}' }
        : (reply?.(path) ?? assert.fail())
    }
    const { code, out, err } = await nsq(['topic', 'pause', 'a', 'b', `--nsqd-http-address=${nsqd.address}`])
    assert.equal(code, 1)
    assert.equal(out, `topic b: paused at nsqd ${nsqd.address}\n`)
    // What a daemon says moves no cursor.
    assert.match(err, /answered 500 \\x1b\[31mINTERNAL\\x9b_ERROR\n/)
    assert.match(err, /topic a was not paused\n/)
  })

  test('nobody answers', async () => {
    const { code, err } = await nsq(['topic', 'list', `--lookupd-http-address=${NOBODY}`])
    assert.equal(code, 1)
    assert.match(err, /cannot be reached.*\n {2}Check the HTTP addresses of nsqlookupd/)
    const nsqd = await nsq(['topic', 'delete', 'a', '--yes', `--nsqd-http-address=${NOBODY}`])
    assert.equal(nsqd.code, 1)
  })

  test('a refusal of every nsqd', async t => {
    const nsqd = await fake(
      t,
      nsqdReplies([topicReply('a')], { '/topic/pause': new Refusal(500, 'NOT_TODAY') }),
    )
    const { code, err } = await nsq(['topic', 'pause', 'a', `--nsqd-http-address=${nsqd.address}`])
    assert.equal(code, 1)
    assert.match(err, /answered 500 NOT_TODAY/)
  })
})
