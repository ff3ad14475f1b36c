/** The command, in this process, between a real nsqd and real HTTP servers. */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { pause, until } from '../../support/wait.ts'
import { ForwardRig, numbers, type Ran, Target } from './rig.ts'

let rig: ForwardRig
before(async () => (rig = await ForwardRig.start()))
after(() => rig.close())

const targets: Target[] = []
after(() => Promise.all(targets.map(target => target.close())))

async function newTarget(): Promise<Target> {
  const target = await Target.start()
  targets.push(target)
  return target
}

/** What fails comes again soon. */
const QUICK = ['default_requeue_delay,5ms', 'backoff_multiplier,1ms', 'max_backoff_duration,10ms'].flatMap(
  text => ['--consumer-opt', text],
)

interface Summary {
  kind: string
  messages: number
  skipped: number
  requeued: number
  dead_lettered: number
  dropped: number
  endpoints: { endpoint: string; requests: number; messages: number; failures: Record<string, number> }[]
  ok: boolean
}

/** The last line on stdout. */
function summaryOf({ out }: Ran): Summary {
  const line = out.trim().split('\n').at(-1) ?? ''
  assert.match(line, /^\{"kind":"summary",/)
  return JSON.parse(line)
}

describe('forward', () => {
  test('sends each message as the body of a POST, and finishes it', async () => {
    const target = await newTarget()
    const bodies = [...numbers(300), 'ü\0\n']
    const topic = await rig.topic(bodies)
    const ran = await rig.run(
      [topic, '--post', `${target.url}/in?k=v`, '--header', 'X-Source: nsq', '--json'],
      async () => (await rig.stats(topic)).left === 0,
    )
    assert.equal(ran.code, 0)
    assert.equal(ran.err, '')
    const expected = bodies.map(body => Buffer.from(body).toString('latin1'))
    assert.deepEqual(target.bodies.sort(), expected.sort())
    const [first] = target.got
    assert.equal(`${first?.method} ${first?.path}`, 'POST /in?k=v')
    assert.equal(first?.headers['content-type'], 'application/octet-stream')
    assert.equal(first?.headers['x-source'], 'nsq')
    assert.match(first?.headers['user-agent'] ?? '', /^nsq-ts\//)
    const { messages, endpoints, ok } = summaryOf(ran)
    assert.deepEqual({ messages, ok }, { messages: 301, ok: true })
    assert.deepEqual(
      endpoints.map(({ endpoint, requests }) => ({ endpoint, requests })),
      [{ endpoint: `${target.url}/in?...`, requests: 301 }],
    )
  })

  test('takes the flags of nsq_to_http, with one dash, and logs what it did', async () => {
    const target = await newTarget()
    const topic = await rig.topic(['a b', 'c'])
    const ran = await rig.run(
      ['-topic', topic, '-get', `${target.url}/?q=%s`, '-n=2', '-mode', 'round-robin', '-status-every=1'],
      async () => (await rig.stats(topic)).left === 0,
      'nsq_to_http',
    )
    assert.equal(ran.code, 0)
    assert.equal(ran.out, '')
    assert.deepEqual(target.got.map(({ path }) => path).sort(), ['/?q=a+b', '/?q=c'])
    assert.match(target.got[0]?.headers['user-agent'] ?? '', /^nsq_to_http\//)
    assert.match(
      ran.err,
      /^\[nsq_to_http\] \d{4}\/.* INFO: http:.*\/\?\.\.\.: 1 request, 1 message sent \(3 B\); p50 /,
    )
    assert.match(ran.err, /: 2 requests, 2 messages sent .*\n.* 2 messages forwarded in /)
  })

  test('puts many messages into a request', async () => {
    const target = await newTarget()
    const topic = await rig.topic(numbers(1000))
    const ran = await rig.run(
      [topic, '--post', target.url, '--batch', '100', '--json'],
      async () => (await rig.stats(topic)).left === 0,
    )
    const values = target.bodies.flatMap((body): number[] => JSON.parse(body))
    assert.deepEqual(
      values.sort((a, b) => a - b),
      numbers(1000).map(Number),
    )
    assert.ok(target.got.length < 100, `${target.got.length} requests`)
    assert.equal(summaryOf(ran).messages, 1000)
  })

  test('sends a share of the messages, and finishes the others', async () => {
    const target = await newTarget()
    const topic = await rig.topic(numbers(200))
    const isEmpty = async (): Promise<boolean> => (await rig.stats(topic)).left === 0
    const none = summaryOf(await rig.run([topic, '--post', target.url, '--sample', '0', '--json'], isEmpty))
    assert.deepEqual([none.messages, none.skipped, target.got.length], [0, 200, 0])
    await rig.publish(topic, numbers(200))
    const some = summaryOf(await rig.run([topic, '--post', target.url, '--sample', '0.5', '--json'], isEmpty))
    assert.equal(some.messages + some.skipped, 200)
    assert.equal(target.got.length, some.messages)
  })

  test('what a good endpoint does not take goes to the dead-letter topic', async () => {
    const target = await newTarget()
    target.answer = ({ body }, response) => response.writeHead(body.includes('bad') ? 400 : 200).end('no')
    const topic = await rig.topic(['1', '"bad"', '2', 'no json', '3'])
    const dead = await rig.topic([], 'c')
    const ran = await rig.run(
      [topic, '--post', target.url, '--batch', '10', '--dead-letter-topic', dead, '--json', ...QUICK],
      async () => (await rig.stats(topic)).left === 0 && (await rig.stats(dead, 'c')).left === 2,
    )
    assert.equal(ran.code, 0)
    const { messages, dead_lettered } = summaryOf(ran)
    assert.deepEqual({ messages, dead_lettered }, { messages: 3, dead_lettered: 2 })
    assert.match(ran.err, /answered 400 "no"; 1 message not sent/)
  })

  test('without one, it is dropped after so many attempts, and that is said', async () => {
    const target = await newTarget()
    target.answer = (_, response) => response.writeHead(422).end('no such thing')
    const topic = await rig.topic(['1'])
    const ran = await rig.run(
      [topic, '--post', target.url, '--consumer-opt=max_attempts,3', '--json', ...QUICK],
      async () => (await rig.stats(topic)).left === 0,
    )
    assert.equal(ran.code, 1)
    const { dropped, requeued, ok, endpoints } = summaryOf(ran)
    assert.deepEqual({ dropped, requeued, ok }, { dropped: 1, requeued: 2, ok: false })
    assert.deepEqual(endpoints[0]?.failures, { 422: 3 })
    assert.match(
      ran.err,
      /ERROR: message [0-9a-f]{16} of t\d+ is dropped after 3 attempts: http.* answered 422 "no such thing"/,
    )
  })

  test('an endpoint that is down costs no message, however often it is tried', async () => {
    const target = await newTarget()
    const { port, url } = target
    await target.close()
    const topic = await rig.topic(numbers(3))
    const running = rig.start([topic, '--post', url, '--consumer-opt=max_attempts,1', '--json', ...QUICK])
    let requeued = 0
    while (requeued < 10) {
      await pause(20)
      requeued = (await rig.stats(topic)).requeued
    }
    const back = await Target.start(port)
    targets.push(back)
    while ((await rig.stats(topic)).left > 0) await pause(20)
    running.around.stop.abort()
    const ran = await running.done
    assert.equal(ran.code, 0)
    assert.deepEqual(back.bodies.sort(), numbers(3))
    assert.match(ran.err, /ECONNREFUSED.*; \d+ messages? not sent/)
    assert.ok(Number(summaryOf(ran).endpoints[0]?.failures['connect']) >= 10)
  })

  test('of two endpoints the one that works gets all', async () => {
    const [bad, good] = [await newTarget(), await newTarget()]
    bad.answer = (_, response) => response.writeHead(500).end()
    const topic = await rig.topic(numbers(100))
    await rig.run(
      [topic, '--post', bad.url, '--post', good.url, '--n', '2', '--json', ...QUICK],
      async () => (await rig.stats(topic)).left === 0,
    )
    assert.deepEqual(new Set(good.bodies), new Set(numbers(100)))
    assert.ok(bad.got.length <= 2, `${bad.got.length} requests`)
  })

  test('a slow request is touched', async () => {
    const target = await newTarget()
    // Longer than its timeout, which nsqd has for a second at least.
    target.answer = (_, response) => void setTimeout(() => response.end(), 2500)
    const topic = await rig.topic(['1'])
    await rig.run(
      [topic, '--post', target.url, '--consumer-opt=msg_timeout,1s'],
      async () => (await rig.stats(topic)).left === 0,
    )
    assert.equal(target.got.length, 1)
  })

  test('at a signal what is under way is awaited, and the rest goes back', async () => {
    const target = await newTarget()
    const answers: (() => void)[] = []
    target.answer = (_, response) => answers.push(() => response.end())
    const topic = await rig.topic(numbers(20))
    const running = rig.start([topic, '--post', target.url, '--n', '5', '--json'])
    await until(() => answers.length === 5)
    running.around.stop.abort()
    target.answer = (_, response) => response.writeHead(500).end()
    for (const answer of answers) answer()
    const ran = await running.done
    assert.equal(ran.code, 0)
    assert.equal(summaryOf(ran).messages, 5)
    assert.equal((await rig.stats(topic)).left, 15)
  })

  test('status lines are JSON where that is wanted', async () => {
    const target = await newTarget()
    const topic = await rig.topic(numbers(30))
    const { out } = await rig.run(
      [topic, '--post', target.url, '--status-every', '10', '--json'],
      async () => (await rig.stats(topic)).left === 0,
    )
    const [status, ...rest] = out
      .trim()
      .split('\n')
      .map((line): Summary => JSON.parse(line))
    assert.equal(status?.kind, 'status')
    assert.equal(rest.at(-1)?.kind, 'summary')
    assert.equal(rest.at(-1)?.endpoints[0]?.messages, 30)
  })

  test('a topic that nobody has is waited for, and near names are told', async () => {
    const topic = await rig.topic([])
    const target = await newTarget()
    const args = [`${topic}x`, '--lookupd-http-address', rig.lookupd, '--post', target.url]
    const running = rig.startBare(args)
    await until(() => running.around.err().includes('waiting for one'))
    assert.match(
      running.around.err(),
      new RegExp(`No nsqd has the topic ${topic}x yet: .* Did you mean .*${topic}`),
    )
    running.around.stop.abort()
    assert.equal((await running.done).code, 0)
  })
})
