/** `replay --to-topic`. */
import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import { Daemons, http, tcp } from '../../client/daemons.ts'
import { eventually, fake, nsqdReplies, topicReply } from '../../cluster/rig.ts'
import { until } from '../../support/wait.ts'
import { atTerminal, fakeTerminal, nsq, run } from '../admin/rig.ts'
import { usefulInFlight } from '../../../src/cli/replay/copier.ts'
import { LINES, Restartable } from './restartable.ts'

const HOUR = 3_600_000

interface Setup {
  nsqds: Nsqd[]
  target: Nsqd
  words: string[]
}

/** nsqds with these messages in the topic orders, which its channel mail has finished, and an nsqd to copy to. */
async function orders(t: TestContext, ...contents: readonly string[][]): Promise<Setup> {
  const all = new Daemons()
  t.after(() => all.close())
  const nsqds: Nsqd[] = []
  for (const bodies of contents) {
    const nsqd = await all.nsqd({ retainTime: HOUR })
    nsqds.push(nsqd)
    nsqd.topic('orders').channel('mail')
    await publish(nsqd, bodies)
    nsqd.topic('orders').channel('mail').empty()
  }
  const target = await all.nsqd()
  const sources = `--nsqd-http-address=${nsqds.map(http).join()}`
  const to = ['--to-topic', 'again', `--destination-nsqd-tcp-address=${tcp(target)}`]
  return { nsqds, target, words: ['replay', '--topic', 'orders', '--since', '1h', ...to, sources] }
}

async function publish(nsqd: Nsqd, bodies: readonly string[]): Promise<void> {
  const channel = nsqd.topic('orders').channel('mail')
  if (bodies.length === 0) return
  const before = channel.depth
  await nsqd.publish(
    'orders',
    bodies.map(body => Buffer.from(body)),
    0,
  )
  await until(() => channel.depth === before + bodies.length)
}

function numbered(prefix: string, count: number): string[] {
  return Array.from({ length: count }, (_, i) => `${prefix}${i}`)
}

/** What waits in the topic `again`, in its order. */
async function copied(target: Nsqd): Promise<string[]> {
  const reply = await fetch(`http://${http(target)}/peek?topic=again&n=1000`)
  const { messages = [] }: { messages?: { body: string }[] } = JSON.parse(await reply.text())
  return messages.map(({ body }) => body)
}

function channels({ nsqds }: Setup): string[] {
  return nsqds.flatMap(nsqd => [...(nsqd.topics.get('orders')?.channels.keys() ?? [])])
}

describe('replay --to-topic', () => {
  test('publishes the messages of all nsqds, each in its order, and leaves nothing behind', async t => {
    const setup = await orders(t, numbered('a', 700), numbered('b', 3), [])
    // Nobody consumes the other topic, so that nobody needs to be asked; but that nsqd cannot be asked for it here.
    const { code, out, err } = await nsq([...setup.words, '--yes'])
    assert.deepEqual([code, out], [0, ''], err)
    assert.match(err, /^nsq-ts replay: 703 messages \(\S+ kB\) to again in \S+ s, \S+\/s\n$/)
    const bodies = await copied(setup.target)
    assert.deepEqual(
      bodies.filter(body => body.startsWith('a')),
      numbered('a', 700),
    )
    assert.deepEqual(
      bodies.filter(body => body.startsWith('b')),
      numbered('b', 3),
    )
    assert.deepEqual(channels(setup), ['mail', 'mail', 'mail'])
    assert.ok(setup.nsqds.every(nsqd => nsqd.topics.get('orders')?.channels.get('mail')?.depth === 0))
  })

  test('not what came before or after', async t => {
    const setup = await orders(t, ['before'])
    const [nsqd = assert.fail()] = setup.nsqds
    const since = Date.now() + 2
    await until(() => Date.now() > since)
    await publish(nsqd, ['in'])
    const end = Date.now() + 2
    await until(() => Date.now() > end)
    await publish(nsqd, ['after'])
    const times = [`--since=${new Date(since).toISOString()}`, `--until=${new Date(end).toISOString()}`]
    assert.equal((await nsq([...setup.words, ...times, '--yes'])).code, 0)
    assert.deepEqual(await copied(setup.target), ['in'])
    assert.deepEqual(channels(setup), ['mail'])
  })

  test('while more and more is published: it has an end', async t => {
    const setup = await orders(t, numbered('a', 50))
    const [nsqd = assert.fail()] = setup.nsqds
    const timer = setInterval(() => void nsqd.publish('orders', [Buffer.from('new')], 0), 1)
    t.after(() => clearInterval(timer))
    const { code } = await nsq([...setup.words, '--yes', '--rate', '500/s'])
    clearInterval(timer)
    assert.equal(code, 0)
    assert.deepEqual(
      (await copied(setup.target)).filter(body => body !== 'new'),
      numbered('a', 50),
    )
  })

  test('asks when somebody consumes that topic, or nobody knows', async t => {
    const setup = await orders(t, ['x'])
    const refused = await nsq(setup.words)
    assert.equal(refused.code, 2)
    assert.match(
      refused.err,
      /again: nsqd cannot be asked over HTTP who consumes it\n.*nobody can be asked.*--yes/s,
    )
    assert.deepEqual(channels(setup), ['mail'])
    // Within the nsqds of the topic, which are known.
    const [nsqd = assert.fail()] = setup.nsqds
    const within = setup.words.filter(word => !word.startsWith('--destination'))
    assert.equal((await nsq(within)).code, 0)
    assert.deepEqual(await copied(nsqd), ['x'])
    nsqd.topic('again').channel('them')
    const no = await atTerminal(within, 'n\n')
    assert.match(
      no.err,
      / {2}1 message \(1 B\) of \S+ to \S+, on 1 nsqd\n {2}again: 1 channel \(them\), no consumer\nPublish them to again\? \[y\/N\] .*nothing was published\n$/,
    )
    assert.equal((await atTerminal(within, 'y\n')).code, 0)
    await eventually(() => Promise.resolve(nsqd.topic('again').channel('them').depth === 2))
  })

  test('a dry run, and JSON', async t => {
    const setup = await orders(t, ['x', 'yz'])
    const dry = await nsq([...setup.words, '--dry-run'])
    assert.equal(dry.code, 0)
    assert.match(dry.out, /^2 messages \(3 B\) of \S+ to \S+, on 1 nsqd; nothing was done\n$/)
    assert.deepEqual([await copied(setup.target), channels(setup)], [[], ['mail']])
    const [json] = (await nsq([...setup.words, '--yes', '--json'])).json()
    const { topic, to_topic: to, found, messages, bytes, ended, ok, dry_run: isDry } = json ?? {}
    assert.deepEqual(
      [topic, to, found, messages, bytes, ended, ok, isDry],
      ['orders', 'again', 2, 2, 3, 'end', true, false],
    )
  })

  test('a signal ends it: the channel goes, and it says from when to go on', async t => {
    const setup = await orders(t, numbered('a', 500))
    const terminal = fakeTerminal()
    const running = run([...setup.words, '--yes', '--rate', '50/s'], terminal)
    await eventually(async () => (await copied(setup.target).catch(() => [])).length >= 5)
    terminal.stop.abort('SIGINT')
    const { code, err } = await running
    assert.equal(code, 1)
    const count = (await copied(setup.target)).length
    assert.ok(count < 500)
    assert.ok(err.includes(`nsq-ts replay: ${count} messages (`), err)
    const flags =
      / {2}To go on, say the same again with (--since=\S+) (--until=\S+)\n$/.exec(err)?.slice(1) ?? []
    assert.equal(flags.length, 2, err)
    assert.deepEqual(channels(setup), ['mail'])
    assert.equal((await nsq([...setup.words, '--yes', ...flags])).code, 0)
    // They all have one time here, or nearly so: some come twice, and none is missing.
    assert.deepEqual(new Set(await copied(setup.target)), new Set(numbered('a', 500)))
  })

  test('slowly, nsqd gives it no more than it can finish in time', async t => {
    const setup = await orders(t, numbered('a', 200))
    const [nsqd = assert.fail()] = setup.nsqds
    const terminal = fakeTerminal()
    const running = run([...setup.words, '--yes', '--rate', '10/s'], terminal)
    await eventually(async () => (await copied(setup.target).catch(() => [])).length >= 3)
    const channel = [...nsqd.topic('orders').channels.values()].find(({ name }) => name !== 'mail')
    assert.ok((channel?.inFlightCount ?? Infinity) <= 10)
    terminal.stop.abort('SIGINT')
    assert.equal((await running).code, 1)
    // Large messages fill no memory.
    const large = { messages: 1000, bytes: 1000 * 2 ** 20 }
    assert.equal(usefulInFlight(large, 0, 1), 64)
    assert.equal(usefulInFlight({ messages: 1e6, bytes: 1e8 }, 0, 3), 2500)
    assert.equal(usefulInFlight(large, 1, 3), 3)
  })

  test('what does not come, as its channel was emptied or deleted, is missed', async t => {
    const setup = await orders(t, numbered('a', 9000))
    const [nsqd = assert.fail()] = setup.nsqds
    const topic = nsqd.topic('orders')
    const of = (): string => [...topic.channels.keys()].find(name => name !== 'mail') ?? ''
    for (const harm of [() => topic.channels.get(of())?.empty(), () => nsqd.deleteChannel('orders', of())]) {
      const terminal = fakeTerminal()
      const running = run([...setup.words, '--yes', '--json', '--rate', '3000'], terminal)
      // All of them are more than it takes at once.
      await until(() => (topic.channels.get(of())?.inFlightCount ?? 0) > 0)
      harm()
      const { code, err, json } = await running
      assert.equal(code, 1, err)
      const [{ messages = 0, found, ended, ok } = {}] = json()
      assert.deepEqual([found, ended, ok], [9000, 'incomplete', false])
      assert.ok(Number(messages) < 9000)
      assert.match(err, /[\d,]+ messages did not come: replay-\w+ was emptied or deleted meanwhile/)
      assert.match(err, /ended without some; .*\n {2}To go on, say the same again with --since=/)
    }
    assert.deepEqual(channels(setup), ['mail'])
  })

  test('what is deferred is left out, and said', async t => {
    const setup = await orders(t, ['now'])
    const [nsqd = assert.fail()] = setup.nsqds
    await nsqd.publish('orders', [Buffer.from('later')], HOUR)
    const { code, err } = await nsq([...setup.words, '--yes'])
    assert.equal(code, 1)
    assert.match(err, /1 message left out: deferred, and not due yet\n/)
    assert.deepEqual(await copied(setup.target), ['now'])
    assert.deepEqual(channels(setup), ['mail'])
  })
})

describe('what cannot be done', () => {
  test('a topic without a channel: its messages would be lost with that of the replay', async t => {
    const setup = await orders(t, ['x'])
    const [nsqd = assert.fail()] = setup.nsqds
    nsqd.deleteChannel('orders', 'mail')
    nsqd.topic('orders').channel('replay-01234567')
    const { code, err } = await nsq([...setup.words, '--yes'])
    assert.equal(code, 1)
    assert.match(
      err,
      /the topic orders has no channel at nsqd \S+: what waits in it would .* be lost with it\n {2}Make one/,
    )
    nsqd.topic('orders').channel('mail')
    assert.match(
      (await nsq([...setup.words, '--dry-run'])).err,
      /replay-01234567 was left by a replay that died: nsq-ts channel delete orders replay-01234567/,
    )
  })

  test('a topic into itself: it would read what it writes', async t => {
    const setup = await orders(t, ['x'])
    const words = ['replay', '--topic', 'orders', '--to-topic', 'orders', '--since', '1h', '--yes']
    const { code, err } = await nsq([...words, setup.words.at(-1) ?? ''])
    assert.equal(code, 2)
    assert.match(err, /--to-topic is the topic itself: .*\n {2}Name a channel/)
  })

  test('official nsqds are named; the others do it', async t => {
    const official = await fake(t, nsqdReplies([topicReply('orders', [{ channel_name: 'mail' }])]))
    const setup = await orders(t, ['x'])
    const alone = await nsq([...setup.words.slice(0, -1), `--nsqd-http-address=${official.address}`, '--yes'])
    assert.equal(alone.code, 1)
    assert.match(alone.err, /nsqd \S+ cannot replay\n {2}An official nsqd keeps nothing/)
    const both = [...setup.words.slice(0, -1), `${setup.words.at(-1)},${official.address}`]
    const { code, err } = await nsq([...both, '--yes'])
    assert.equal(code, 1)
    assert.ok(err.includes(`nsqd ${official.address} cannot replay: an official one`), err)
    assert.deepEqual(await copied(setup.target), ['x'])
    assert.ok(!official.asked.some(path => path.startsWith('/channel/create')))
  })

  test('an nsqd that takes nothing', async t => {
    const setup = await orders(t, ['x'])
    const words = setup.words.map(word =>
      word.startsWith('--destination') ? '--destination-nsqd-tcp-address=127.0.0.1:1' : word,
    )
    const { code, err } = await nsq([...words, '--yes'])
    assert.equal(code, 1)
    assert.match(err, /ECONNREFUSED/)
    assert.deepEqual(channels(setup), ['mail'])
  })
})

test('it outlives nsqds that restart, both in turn', async t => {
  const [source, target] = [await Restartable.start(t), await Restartable.start(t)]
  source.nsqd.topic('orders').channel('mail')
  await source.nsqd.publish(
    'orders',
    LINES.map(line => Buffer.from(line)),
    0,
  )
  await until(() => source.nsqd.topic('orders').channel('mail').depth === LINES.length)
  const words = ['--topic', 'orders', '--to-topic', 'again', '--since', '1h', '--rate', '300', '--yes']
  const where = [
    `--nsqd-http-address=${http(source.nsqd)}`,
    `--destination-nsqd-tcp-address=${tcp(target.nsqd)}`,
  ]
  const running = nsq(['replay', ...words, ...where])
  await eventually(async () => (await target.waiting('again')).length > 30)
  await source.restart()
  await eventually(async () => (await target.waiting('again')).length > 60)
  await target.restart()
  const { code, err } = await running
  assert.equal(code, 0, err)
  assert.deepEqual((await target.waiting('again')).sort(), [...LINES].sort())
  assert.deepEqual([...source.nsqd.topic('orders').channels.keys()], ['mail'])
})
