/** The command, in this process, against real daemons. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { pause, until } from '../../support/wait.ts'
import { betweenFlags, moduleOf, numbers, type Ran, Side, startMirror } from './rig.ts'

interface Summary {
  readonly mirrored: number
  readonly published: number
  readonly bytes: number
  readonly left_out: Readonly<Record<string, number>>
  readonly failed: number
  readonly requeued: number
  readonly unsent: number
  readonly destinations: Readonly<Record<string, number>>
  readonly ok: boolean
}

/** The one line on stdout. */
function summaryOf({ out }: Ran): Summary {
  assert.match(out, /^[^\n]+\n$/)
  return JSON.parse(out)
}

describe('mirror', () => {
  test('publishes what comes, in its order, and finishes it', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('logs', numbers(2000))
    const running = startMirror(t, ['logs', ...betweenFlags(from, to), '--json'])
    assert.deepEqual(await to.bodies('logs', 2000), numbers(2000))
    await from.left('logs', 0)
    const ran = await running.stop()
    assert.equal(ran.code, 0, ran.err)
    const { mirrored, published, bytes, left_out, destinations, ok } = summaryOf(ran)
    assert.deepEqual(
      { mirrored, published, bytes, left_out, destinations, ok },
      {
        mirrored: 2000,
        published: 2000,
        bytes: numbers(2000).join('').length,
        left_out: {},
        destinations: { [to.tcp]: 2000 },
        ok: true,
      },
    )
    assert.match(ran.err, /^nsq-ts mirror: 2,000 messages \(6\.9 kB\) of logs to \S+ in \S+ s, \S+\/s\n$/)
  })

  test('large bodies arrive as they were', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    const bodies = [3000, 70_000, 10, 1_000_000, 2048, 2049].map((length, i) => String(i).repeat(length))
    await from.publish('large', bodies)
    startMirror(t, ['large', ...betweenFlags(from, to)])
    assert.deepEqual(await to.bodies('large', bodies.length), bodies)
    await from.left('large', 0)
  })

  test('several topics, each to the one of its name or all to one', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('a', ['a1', 'a2'])
    await from.publish('b', ['b1'])
    const running = startMirror(t, ['a', '--topic', 'b', ...betweenFlags(from, to)])
    assert.deepEqual(await to.bodies('a', 2), ['a1', 'a2'])
    assert.deepEqual(await to.bodies('b', 1), ['b1'])
    await running.stop()
    await from.publish('a', ['a3'])
    await from.publish('b', ['b2'])
    startMirror(t, ['a,b', ...betweenFlags(from, to), '--destination-topic', 'all'])
    assert.deepEqual((await to.bodies('all', 2)).toSorted(), ['a3', 'b2'])
  })

  test('as nsq_to_nsq it takes one dash, and says how it goes', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('logs', numbers(300))
    const flags = ['-topic=logs', `-nsqd-tcp-address=${from.tcp}`, `-destination-nsqd-tcp-address=${to.tcp}`]
    const running = startMirror(t, flags, { program: 'nsq_to_nsq' })
    await from.left('logs', 0)
    let published = 300
    // At most one line a second, so it may take some more messages.
    while (!running.around.err().includes('99th')) {
      await from.publish('logs', numbers(250))
      published += 250
      await pause(50)
      assert.ok(published < 100_000)
    }
    const { err } = await running.stop()
    assert.match(
      err,
      /^nsq_to_nsq: mirrored \S+ messages in \S+ s - 99th: [\d.]+ms - 95th: [\d.]+ms - avg: [\d.]+ms$/m,
    )
  })

  test('--require-json-field and --whitelist-json-field: what does not fit is finished, and counted', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('events', [
      '{"type":"order","id":12345678901234567890,"secret":1}',
      '{"type":"other","id":2}',
      '{"id":3}',
      'no json',
      '{"id":4,"type":"order"}',
    ])
    const flags = ['--require-json-field=type', '--require-json-value=order', '--whitelist-json-field=id']
    const running = startMirror(t, ['events', ...betweenFlags(from, to), ...flags, '--json'])
    assert.deepEqual(await to.bodies('events', 2), ['{"id":12345678901234567890}', '{"id":4}'])
    await from.left('events', 0)
    const ran = await running.stop()
    assert.deepEqual(summaryOf(ran).left_out, { 'another value': 1, 'without the field': 1, 'not JSON': 1 })
    assert.match(
      ran.err,
      /3 messages finished and not mirrored: 1 another value, 1 without the field, 1 not JSON/,
    )
  })

  test('--filter and --map: functions of the user, at once or later', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('n', numbers(20))
    const filter = moduleOf('export default message => message.json() % 2 === 0')
    const map = moduleOf(`export default async message => {
      const n = message.json()
      if (n === 2) return undefined
      if (n === 4) return [String(n), { n }, Buffer.from('x')]
      return \`\${message.topic}\${n}\`
    }`)
    const running = startMirror(t, [
      'n',
      ...betweenFlags(from, to),
      '--filter',
      filter,
      '--map',
      map,
      '--json',
    ])
    const expected = ['4', '{"n":4}', 'x', ...[6, 8, 10, 12, 14, 16, 18, 20].map(n => `n${n}`)]
    assert.deepEqual((await to.bodies('n', expected.length)).toSorted(), expected.toSorted())
    await from.left('n', 0)
    const { mirrored, published, left_out } = summaryOf(await running.stop())
    assert.deepEqual(
      { mirrored, published, left_out },
      { mirrored: 9, published: 11, left_out: { '--filter': 10, '--map': 1 } },
    )
  })

  test('a module that throws costs the message, not the process: it comes again, and is named once', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('n', ['good', 'bad', 'fine'])
    const map = moduleOf(`export default message => {
      if (String(message.body) === 'bad' && message.attempts < 3) throw new Error('boom')
      return message.body
    }`)
    const soon = ['default_requeue_delay,10ms', 'backoff_multiplier,5ms'].flatMap(o => ['--consumer-opt', o])
    const running = startMirror(t, ['n', ...betweenFlags(from, to), '--map', map, ...soon, '--json'])
    assert.deepEqual((await to.bodies('n', 3)).toSorted(), ['bad', 'fine', 'good'])
    await from.left('n', 0)
    const ran = await running.stop()
    assert.equal(ran.code, 0)
    assert.equal(summaryOf(ran).failed, 2)
    assert.deepEqual(
      ran.err.match(/message [0-9a-f]{16} of nsqd \S+ topic n, went back: --map: boom/g)?.length,
      1,
    )
  })

  test('a function that never comes to an end holds its message for the message timeout, and nothing else', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('n', ['never', ...numbers(10)])
    const filter = moduleOf(`export default message =>
      String(message.body) === 'never' ? new Promise(() => {}) : true`)
    const flags = ['--filter', filter, '--consumer-opt', 'msg_timeout,1s']
    const running = startMirror(t, ['n', ...betweenFlags(from, to), ...flags])
    assert.deepEqual(await to.bodies('n', 10), numbers(10))
    await from.when('n', ({ requeue_count, deferred_count }) => requeue_count === 1 && deferred_count === 1)
    const { code, err } = await running.stop()
    assert.equal(code, 0)
    assert.match(err, /--filter or --map took longer than 1 s/)
  })

  test('several nsqds share what is published; when one goes, the others take it', async t => {
    const [from, a, b] = [await Side.start(t), await Side.start(t), await Side.start(t)]
    const flags = ['logs', ...betweenFlags(from, a), '--destination-nsqd-tcp-address', b.tcp, '--json']
    const running = startMirror(t, flags)
    for (let round = 0; round < 20; round++) {
      await from.publish('logs', [`first ${round}`])
      await from.left('logs', 0)
    }
    await b.stop()
    await from.publish('logs', numbers(100))
    await from.left('logs', 0)
    const ran = await running.stop()
    const { destinations } = summaryOf(ran)
    assert.deepEqual(Object.keys(destinations).toSorted(), [a.tcp, b.tcp].toSorted())
    const shareOf = (nsqd: string): number => destinations[nsqd] ?? 0
    // One of them may have been there sooner.
    assert.ok(shareOf(b.tcp) > 3 && shareOf(b.tcp) <= 15)
    assert.equal(shareOf(a.tcp) + shareOf(b.tcp), 120)
    assert.match(ran.err, new RegExp(`${shareOf(a.tcp)} to ${a.tcp}`))
  })

  test('one that the destination refuses does not hold up the others', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t, { maxMsgSize: 100 })]
    await from.publish('logs', [...numbers(50), 'x'.repeat(101), ...numbers(50, 51)])
    const running = startMirror(t, ['logs', ...betweenFlags(from, to)])
    const bodies = await to.take('logs', taken => new Set(taken).size >= 100)
    assert.deepEqual([...new Set(bodies)].toSorted(), numbers(100).toSorted())
    // It is back, and waits for its time.
    await from.when(
      'logs',
      ({ deferred_count, in_flight_count }) => deferred_count === 1 && in_flight_count === 0,
    )
    const { code, err } = await running.stop()
    assert.equal(code, 0, err)
    assert.match(err, /message \S+ of nsqd \S+ topic logs, went back: .*E_BAD_MESSAGE/)
  })

  test('--max-msg-size: a larger one is not even sent', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('logs', ['small', 'too large'])
    const running = startMirror(t, ['logs', ...betweenFlags(from, to), '--max-msg-size=5'])
    assert.deepEqual(await to.bodies('logs', 1), ['small'])
    await from.left('logs', 1)
    await until(() => running.around.err().includes('9 bytes are over --max-msg-size (5)'))
    assert.equal((await running.stop()).code, 0)
  })

  test('max_attempts: what it is told to give up is lost, and that is exit code 1', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    await from.publish('logs', ['a'])
    const map = moduleOf('export default () => { throw new Error("boom") }')
    const options = ['max_attempts,2', 'default_requeue_delay,1ms', 'backoff_multiplier,1ms']
    const flags = ['--map', map, ...options.flatMap(option => ['--consumer-opt', option])]
    const running = startMirror(t, ['logs', ...betweenFlags(from, to), ...flags])
    await from.when('logs', ({ requeue_count }) => requeue_count === 2)
    await from.left('logs', 0)
    const { code, err } = await running.stop()
    assert.equal(code, 1)
    assert.match(err, /1 message lost: their attempts \(max_attempts\) were over/)
  })
})
