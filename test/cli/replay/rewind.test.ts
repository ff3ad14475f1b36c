/** `replay --channel`, against nsqds that can do it and some that cannot. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import { Daemons, http, tcp } from '../../client/daemons.ts'
import { daemons, eventually, fake, nsqdReplies, Refusal, topicReply } from '../../cluster/rig.ts'
import { addresses, atTerminal, nsq } from '../admin/rig.ts'

const HOUR = 3_600_000

/** Two nsqds that retain messages, with three and two of them in the topic orders, all of which the channel mail has finished. */
async function orders(t: TestContext): Promise<{ nsqds: Nsqd[]; flag: string }> {
  const all = new Daemons()
  t.after(() => all.close())
  const nsqds = [await all.nsqd({ retainTime: HOUR }), await all.nsqd({ retainTime: HOUR })]
  for (const [index, nsqd] of nsqds.entries()) {
    nsqd.topic('orders').channel('mail')
    nsqd.topic('orders').channel('stock')
    const bodies = Array.from({ length: 3 - index }, (_, i) => Buffer.from(`m${index}${i}`))
    await nsqd.publish('orders', bodies, 0)
    await eventually(() => Promise.resolve(depth(nsqd) === bodies.length))
    nsqd.topic('orders').channel('mail').empty()
  }
  return { nsqds, flag: `--nsqd-http-address=${nsqds.map(http).join()}` }
}

function depth(nsqd: Nsqd): number | undefined {
  return nsqd.topics.get('orders')?.channels.get('mail')?.depth
}

const WORDS = ['replay', '--topic', 'orders', '--channel', 'mail', '--since', '1h']

describe('replay --channel', () => {
  test('puts the messages before the channel again, on all nsqds', async t => {
    const { nsqds, flag } = await orders(t)
    const { code, out, err } = await nsq([...WORDS, '--yes', flag])
    assert.equal(code, 0, err)
    const where = nsqds.map(http).sort().join(', ')
    assert.equal(out, `channel mail of orders: 5 messages put before it again at nsqd ${where}\n`)
    assert.deepEqual(nsqds.map(depth), [3, 2])
  })

  test('needs --yes where nobody can be asked, and says beforehand what it comes to', async t => {
    const { nsqds, flag } = await orders(t)
    const refused = await nsq([...WORDS, flag])
    assert.equal(refused.code, 2)
    assert.match(refused.err, /nobody can be asked: there is no terminal\n {2}Agree to it with --yes/)
    const dry = await nsq([...WORDS, '--dry-run', flag])
    assert.equal(dry.code, 0)
    assert.match(
      dry.out,
      /^channel mail of orders: 5 messages \(15 B\) of 20\S+ to now, on 2 nsqds; nothing was done\n$/,
    )
    const no = await atTerminal([...WORDS, flag], 'n\n')
    assert.equal(no.code, 1)
    assert.match(
      no.err,
      / {2}5 messages \(15 B\) of \S+ to now, on 2 nsqds; no consumer is connected\nPut them before the channel mail of orders again\? \[y\/N\] .*nothing was done\n$/,
    )
    assert.deepEqual(nsqds.map(depth), [0, 0])
    assert.equal((await atTerminal([...WORDS, flag], 'y\n')).code, 0)
    assert.deepEqual(nsqds.map(depth), [3, 2])
    const again = await nsq([...WORDS, '--dry-run', flag])
    assert.match(again.out, /; 5 of these it has not finished anyway; nothing was done/)
  })

  test('in JSON', async t => {
    const { nsqds, flag } = await orders(t)
    const { code, json } = await nsq([...WORDS, '--until', 'now', '--yes', '--json', flag])
    assert.equal(code, 0)
    const [{ since, until, nsqds: places, ...rest } = {}] = json()
    assert.ok(typeof since === 'string' && typeof until === 'string')
    assert.equal(Date.parse(until) - Date.parse(since), HOUR)
    assert.ok(Array.isArray(places))
    const counts = new Map(
      places.map(({ nsqd, messages, bytes, waiting }) => [nsqd, { messages, bytes, waiting }]),
    )
    const [first = assert.fail(), second = assert.fail()] = nsqds.map(http)
    assert.deepEqual(counts.get(first), { messages: 3, bytes: 9, waiting: 0 })
    assert.deepEqual(counts.get(second), { messages: 2, bytes: 6, waiting: 0 })
    assert.deepEqual(rest, {
      topic: 'orders',
      channel: 'mail',
      dry_run: false,
      messages: 5,
      bytes: 15,
      waiting: 0,
      unsupported: [],
      missing: [],
      errors: [],
      ok: true,
    })
  })

  test('by the address for clients, where the HTTP API is at the next port', async t => {
    const { nsqds } = await orders(t)
    const { code, err } = await nsq([
      ...WORDS,
      '--yes',
      `--nsqd-tcp-address=${tcp(nsqds[0] ?? assert.fail())}`,
    ])
    assert.equal(code, 1)
    assert.match(err, /the HTTP API of nsqd \S+ is not at its next port\n {2}Name it: --nsqd-http-address/)
  })

  test('of a time in which nothing came', async t => {
    const { flag } = await orders(t)
    const { code, out } = await nsq([...WORDS, '--until', '30m', '--yes', flag])
    assert.equal(code, 0)
    assert.match(out, /: 0 messages \(0 B\) of .*; nothing was done\n$/)
  })
})

function withChannels(...channels: string[]): Record<string, unknown> {
  const named = channels.map(name => ({ channel_name: name }))
  return nsqdReplies([topicReply('orders', named)])
}

describe('what cannot be done', () => {
  test('names that are not there', async t => {
    const { flag } = await orders(t)
    const topic = await nsq([
      'replay',
      '--topic',
      'oders',
      '--channel',
      'mail',
      '--since',
      '1h',
      '--yes',
      flag,
    ])
    assert.deepEqual(
      [topic.code, topic.err],
      [1, 'nsq-ts replay: there is no topic oders\n  Did you mean orders?\n'],
    )
    const channel = await nsq([
      'replay',
      '--topic',
      'orders',
      '--channel',
      'mial',
      '--since',
      '1h',
      '--yes',
      flag,
    ])
    assert.equal(channel.code, 1)
    assert.equal(
      channel.err,
      'nsq-ts replay: the topic orders has no channel mial\n' +
        '  Did you mean mail? Make a new one first: nsq-ts channel create orders mial\n',
    )
    const ephemeral = await nsq([
      'replay',
      '--topic',
      'x#ephemeral',
      '--channel',
      'c',
      '--since',
      '1h',
      '--yes',
      flag,
    ])
    assert.match(ephemeral.err, /what is ephemeral keeps nothing/)
  })

  test('official nsqds are named; the others do it', async t => {
    const official = await fake(t, nsqdReplies([topicReply('orders', [{ channel_name: 'mail' }])]))
    const alone = await nsq([...WORDS, '--yes', `--nsqd-http-address=${official.address}`])
    assert.equal(alone.code, 1)
    assert.match(alone.err, /nsqd \S+ cannot replay\n {2}An official nsqd keeps nothing.* nsq-ts archive/)
    const { nsqds, flag } = await orders(t)
    const { code, out, err } = await nsq([...WORDS, '--yes', `${flag},${official.address}`])
    assert.equal(code, 1)
    assert.match(out, /5 messages put before it again/)
    assert.ok(err.includes(`nsqd ${official.address} cannot replay: an official one keeps nothing`), err)
    assert.deepEqual(nsqds.map(depth), [3, 2])
  })

  test('a channel that is deleted while a person thinks about it', async t => {
    const answers = [{ messages: 1, bytes: 44, waiting: 0, oldest: 1 }]
    const nsqd = await fake(t, {
      ...withChannels('mail'),
      get '/channel/replay'(): unknown {
        return answers.pop() ?? new Refusal(404, 'CHANNEL_NOT_FOUND')
      },
    })
    const { code, out, err } = await nsq([...WORDS, '--yes', `--nsqd-http-address=${nsqd.address}`])
    assert.deepEqual([code, out], [1, 'channel mail of orders: 0 messages put before it again\n'])
    assert.match(err, /nsqd \S+ does not have the channel mail: nothing is done there\n/)
  })

  test('a channel that some nsqds do not have; messages that are gone; one that fails', async t => {
    const oldest = Date.parse('2026-01-02T15:04:05.678Z')
    const counts = { messages: 1, bytes: 44, waiting: 0, oldest }
    const kept = await fake(t, { ...withChannels('mail'), '/channel/replay': counts })
    const none = await fake(t, {
      ...withChannels('mail'),
      '/channel/replay': { ...counts, messages: 0, bytes: 0, oldest: null },
    })
    const without = await fake(t, {
      ...withChannels(),
      '/channel/replay': new Refusal(404, 'CHANNEL_NOT_FOUND'),
    })
    const broken = await fake(t, {
      ...withChannels('mail'),
      '/channel/replay': new Refusal(500, 'INTERNAL_ERROR'),
    })
    const all = [kept, none, without, broken].map(({ address }) => address)
    const words = [
      'replay',
      '--topic',
      'orders',
      '--channel',
      'mail',
      '--since',
      '2026-01-01T00:00Z',
      '--yes',
    ]
    const flag = `--nsqd-http-address=${all.join()}`
    const dry = await nsq([...words.slice(0, -1), '--dry-run', flag])
    assert.match(
      dry.err,
      new RegExp(
        `oldest message of nsqd ${kept.address} is of 2026-01-02T\\S+: if there were earlier ones, they are not`,
      ),
    )
    assert.match(dry.err, new RegExp(`nsqd ${none.address} has nothing of this topic, or does not retain it`))
    const { code, out, err } = await nsq([...words, flag])
    assert.equal(code, 1)
    assert.match(out, /1 message put before it again/)
    assert.ok(!err.includes('oldest'), err)
    assert.match(
      err,
      new RegExp(`nsqd ${without.address} does not have the channel mail: nothing is done there`),
    )
    assert.match(err, /answered 500 INTERNAL_ERROR/)
  })

  test('words that are missing or do not go together', async () => {
    for (const [words, complaint] of [
      [[], /there is nothing to replay\n {2}Name files of an archive, or a topic/],
      [['--topic', 't'], /--channel is missing/],
      [['--topic', 't', '--channel', 'c'], /--since is missing/],
      [['--topic', 't', '--channel', 'c!', '--since', '1h'], /"c!" is not the name of a channel/],
      [['--topic', 't', '--channel', 'c', '--to-topic', 'u', '--since', '1h'], /exclude each other/],
      [
        ['--topic', 't', '--channel', 'c', '--since', '1h', '--rate', '5'],
        /--rate is for files and for --to-topic/,
      ],
      [
        ['--topic', 't', '--channel', 'c', '--since', '1h', '--skip', '5'],
        /--skip is for files, and none is named/,
      ],
    ] as const) {
      const { code, err } = await nsq(['replay', ...words])
      assert.equal(code, 2, err)
      assert.match(err, complaint)
    }
  })
})

test('through nsqlookupd', async t => {
  const { nsqds, cluster } = await daemons(t, { nsqds: 1, lookupds: 1 })
  const [nsqd = assert.fail()] = nsqds
  nsqd.topic('orders').channel('mail')
  await nsqd.publish('orders', [Buffer.from('x')], 0)
  await eventually(async () => (await cluster.producersOf('orders')).value.length === 1)
  const { code, out } = await nsq([...WORDS, '--yes', ...addresses(cluster)])
  assert.deepEqual(
    [code, out],
    [0, `channel mail of orders: 1 message put before it again at nsqd ${http(nsqd)}\n`],
  )
})
