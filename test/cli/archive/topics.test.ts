import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { chooseTopics, TopicDiscovery } from '../../../src/cli/archive/topics.ts'
import type { NsqError } from '../../../src/util/errors.ts'
import { FakeLookupd } from '../../client/fake-lookupd.ts'
import { until } from '../../support/wait.ts'

const fakes: FakeLookupd[] = []
afterEach(async () => {
  await Promise.all(fakes.splice(0).map(fake => fake.close()))
})

interface Flags {
  topic?: string[]
  topicPattern?: string
  lookupdHttpAddress?: string[]
}

function choose(
  flags: Flags,
  positionals: string[] = [],
  namesTopics = true,
): ReturnType<typeof chooseTopics> {
  const { topic = [], topicPattern, lookupdHttpAddress = [] } = flags
  return chooseTopics({ topic, topicPattern, lookupdHttpAddress }, positionals, namesTopics)
}

test('topics are named by flags and arguments, once each', async () => {
  assert.deepEqual((await choose({ topic: ['a', 'b'] }, ['b,c'])).named, ['a', 'b', 'c'])
})

test('a pattern is found anywhere in a name; as in Go, and for named topics, too', async () => {
  const { named, matches } = await choose({ topicPattern: '^a|(?i)B$', lookupdHttpAddress: ['x'] })
  assert.deepEqual(named, [])
  assert.deepEqual(['ab', 'cb', 'ca', 'bc'].filter(matches), ['ab', 'cb'])
  assert.deepEqual((await choose({ topic: ['ab', 'c'], topicPattern: 'b' })).named, ['ab'])
})

test('what cannot be meant is a usage error', async () => {
  const bad: [Parameters<typeof choose>, RegExp][] = [
    [[{}], /--topic is missing/],
    [[{ topic: ['a b'] }], /"a b" is not the name of a topic/],
    [[{ topicPattern: 'a' }], /--topic-pattern needs --lookupd-http-address/],
    [
      [{ topicPattern: 'a(', lookupdHttpAddress: ['x'] }],
      /--topic-pattern: "a\(" is not a regular expression/,
    ],
    [[{ topic: ['a'], topicPattern: 'b' }], /--topic-pattern: "b" is found in no name of --topic/],
    [[{ topic: ['a', 'b'] }, [], false], /--filename-format has no <TOPIC>/],
    [[{ topicPattern: 'a', lookupdHttpAddress: ['x'] }, [], false], /--filename-format has no <TOPIC>/],
  ]
  for (const [args, message] of bad) await assert.rejects(choose(...args), { code: 'E_USAGE', message })
  assert.deepEqual((await choose({ topic: ['a'] }, [], false)).named, ['a'])
})

test('discovery looks at once and again, tells of each topic once, and survives what fails', async () => {
  const fake = await FakeLookupd.start()
  fakes.push(fake)
  let topics = ['a1', 'b', 'a2']
  fake.reply = () => ({ status: 200, body: JSON.stringify({ topics }) })
  const found: string[] = []
  const errors: NsqError[] = []
  let refused = 'a2'
  const discovery = new TopicDiscovery({
    lookupd: [fake.address],
    lookupOptions: {},
    matches: topic => topic.startsWith('a'),
    found: async topic => {
      if (topic === refused) throw new Error(`not ${topic}`)
      found.push(topic)
    },
    failed: error => errors.push(error),
  })
  await assert.rejects(discovery.look(), { message: 'not a2' })
  assert.deepEqual(found, ['a1'])
  const stop = new AbortController()
  const watching = discovery.watch(1, stop.signal)
  await until(() => errors.length > 1)
  refused = ''
  await until(() => found.length === 2)
  fake.reply = () => ({ status: 500, body: '' })
  await until(() => errors.some(({ code }) => code === 'E_LOOKUP'))
  topics = ['a3']
  fake.reply = () => ({ status: 200, body: JSON.stringify({ topics }) })
  await until(() => found.length === 3)
  stop.abort()
  await watching
  assert.deepEqual(found, ['a1', 'a2', 'a3'])
})
