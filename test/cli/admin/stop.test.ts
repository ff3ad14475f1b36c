/** Ctrl-C while a daemon hangs: the command ends at once, and says no more than it knows. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { serve } from '../../support/serve.ts'
import { until } from '../../support/wait.ts'
import { fakeSurroundings } from '../fakes.ts'
import { fakeTerminal, type Ran, run } from './rig.ts'

interface Hanging {
  address: string
  /** The paths that it was asked for. */
  asked: string[]
}

/** A daemon that takes requests and answers only what is given here. */
async function hanging(t: TestContext, replies: Record<string, unknown> = {}): Promise<Hanging> {
  const asked: string[] = []
  const address = await serve(t, ({ url = '' }, response) => {
    asked.push(url)
    const reply = replies[url.replace(/\?.*/, '')]
    if (reply !== undefined) response.end(JSON.stringify(reply))
  })
  return { address, asked }
}

/** Runs it with an answer time that no test waits for, and stops it when the daemon was asked for this. */
async function stopped(
  words: readonly string[],
  { asked }: Hanging,
  path: string,
  around = fakeSurroundings(),
): Promise<Ran> {
  const done = run([...words, '--http-client-request-timeout=1h'], around)
  await until(
    () => asked.some(url => url.startsWith(path)),
    () => around.err(),
  )
  around.stop.abort()
  return done
}

const STOPPED = 'stopped before the daemons had answered'

test('while daemons are asked', async t => {
  const daemon = await hanging(t)
  const at = (kind: string): string => `--${kind}-http-address=${daemon.address}`
  const lists: [string, string][] = [
    ['topic list', '/topics'],
    ['channel list', '/topics'],
    ['nodes', '/nodes'],
    ['tombstone', '/tombstones'],
    ['topic delete orders --yes', '/topics'],
    ['topic pause orders', '/topics'],
    ['channel create orders mail', '/topics'],
    ['tombstone orders 127.0.0.1:4151 --yes', '/nodes'],
  ]
  for (const [words, path] of lists) {
    daemon.asked.length = 0
    const { code, out, err } = await stopped([...words.split(' '), at('lookupd')], daemon, path)
    const command = words.split(' ').slice(0, /^(topic|channel) /.test(words) ? 2 : 1)
    assert.deepEqual(
      { code, out, err },
      { code: 1, out: '', err: `nsq-ts ${command.join(' ')}: ${STOPPED}\n` },
    )
  }
  daemon.asked.length = 0
  assert.equal((await stopped(['nodes', at('nsqd')], daemon, '/stats')).err, `nsq-ts nodes: ${STOPPED}\n`)
})

test('what part of the daemons have said is not taken for all', async t => {
  const [daemon, quick] = [await hanging(t), await hanging(t, { '/topics': { topics: ['orders'] } })]
  const flag = `--lookupd-http-address=${daemon.address},${quick.address}`
  const { code, out, err } = await stopped(['topic', 'list', flag], daemon, '/topics')
  assert.deepEqual({ code, out, err }, { code: 1, out: '', err: `nsq-ts topic list: ${STOPPED}\n` })
})

test('before the question whether to delete, there is none', async t => {
  const daemon = await hanging(t, { '/topics': { topics: ['orders'] } })
  const { code, err } = await stopped(
    ['topic', 'delete', 'orders', `--lookupd-http-address=${daemon.address}`],
    daemon,
    '/nodes',
    fakeTerminal(),
  )
  assert.deepEqual({ code, err }, { code: 1, err: `nsq-ts topic delete: ${STOPPED}\n` })
})

test('while it is being done, that it may have been done is said', async t => {
  const daemon = await hanging(t)
  const { code, out, err } = await stopped(
    ['topic', 'create', 'a', 'b', `--nsqd-http-address=${daemon.address}`],
    daemon,
    '/topic/create',
  )
  assert.deepEqual({ code, out }, { code: 1, out: '' })
  assert.match(err, /\/topic\/create was given up before it answered\n/)
  assert.match(err, /topic create: it is not known whether topic a was created\n/)
  assert.match(err, /topic create: stopped: 1 topic not created\n$/)
})
