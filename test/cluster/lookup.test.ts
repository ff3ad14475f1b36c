import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import { listChannels, listNodes, listTopics, lookupTopic } from '../../src/cluster/lookup.ts'
import { FakeLookupd } from '../client/fake-lookupd.ts'

const fakes: FakeLookupd[] = []
afterEach(async () => {
  await Promise.all(fakes.splice(0).map(fake => fake.close()))
})

/** An nsqlookupd that answers everything with this. */
async function answering(body: unknown, status = 200): Promise<string> {
  const fake = await FakeLookupd.start()
  fakes.push(fake)
  fake.reply = () => ({ status, body: typeof body === 'string' ? body : JSON.stringify(body) })
  return fake.address
}

const NSQD = {
  remote_address: '10.0.0.9:1234',
  hostname: 'h',
  broadcast_address: '10.0.0.1',
  tcp_port: 4150,
  http_port: 4151,
  version: '1.3.0',
  topology_zone: 'z',
  topology_region: 'r',
}

const EXPECTED = {
  tcpAddress: '10.0.0.1:4150',
  httpAddress: '10.0.0.1:4151',
  broadcastAddress: '10.0.0.1',
  tcpPort: 4150,
  httpPort: 4151,
  hostname: 'h',
  version: '1.3.0',
  topologyZone: 'z',
  topologyRegion: 'r',
}

test('lookupTopic merges what all nsqlookupds know, bare or in the old envelope', async () => {
  const bare = await answering({ channels: ['b', 'a'], producers: [NSQD] })
  const other = { ...NSQD, remote_address: '10.0.0.9:99' }
  const old = await answering({
    status_code: 200,
    status_txt: 'OK',
    data: { channels: ['c', 'a'], producers: [other, { ...NSQD, broadcast_address: '::1' }] },
  })
  const { value, warnings } = await lookupTopic([bare, `http://${old}/`], 't')
  assert.deepEqual(warnings, [])
  assert.deepEqual(value.channels, ['a', 'b', 'c'])
  assert.deepEqual(
    value.producers.map(({ tcpAddress }) => tcpAddress),
    ['10.0.0.1:4150', '[::1]:4150'],
  )
  const [first] = value.producers
  assert.deepEqual(first, {
    ...EXPECTED,
    registrations: [
      { lookupd: bare, remoteAddress: '10.0.0.9:1234' },
      { lookupd: `http://${old}/`, remoteAddress: '10.0.0.9:99' },
    ],
  })
})

test('a topic that is unknown has no producers, and is no error', async () => {
  const today = await answering({ message: 'TOPIC_NOT_FOUND' }, 404)
  const old = await answering({ status_code: 500, status_txt: 'INVALID_ARG_TOPIC', data: null })
  assert.deepEqual(await lookupTopic([today, old], 't'), {
    value: { isKnown: false, channels: [], producers: [] },
    warnings: [],
  })
})

test('the topic is escaped in the query', async () => {
  const fake = await FakeLookupd.start()
  fakes.push(fake)
  await lookupTopic([fake.address], 't#ephemeral')
  assert.deepEqual(fake.asked, ['/lookup?topic=t%23ephemeral'])
})

test('listNodes has the topics of each nsqd, tombstoned where one nsqlookupd says so', async () => {
  const one = await answering({ producers: [{ ...NSQD, topics: ['t', 'u'], tombstones: [true, false] }] })
  const two = await answering({ producers: [{ ...NSQD, topics: ['t', 'v'], tombstones: [false, false] }] })
  const { value } = await listNodes([one, two])
  assert.deepEqual(value, [
    {
      ...EXPECTED,
      registrations: [one, two].map(lookupd => ({ lookupd, remoteAddress: '10.0.0.9:1234' })),
      topics: [
        { name: 't', tombstoned: true },
        { name: 'u', tombstoned: false },
        { name: 'v', tombstoned: false },
      ],
    },
  ])
})

test('listTopics and listChannels are sorted and without repetition', async () => {
  const topics = await Promise.all([answering({ topics: ['b', 'a'] }), answering({ topics: ['b', 'c'] })])
  assert.deepEqual((await listTopics(topics)).value, ['a', 'b', 'c'])
  const channels = await Promise.all([answering({ channels: ['y'] }), answering({ channels: null })])
  assert.deepEqual((await listChannels(channels, 't')).value, ['y'])
})

test('what fails is a warning while another answers', async () => {
  const good = await answering({ topics: ['t'] })
  const garbage = await answering('<html>')
  const shapeless = await answering({ topics: 'many' })
  const failing = await answering({ message: 'INTERNAL_ERROR' }, 500)
  const { value, warnings } = await listTopics([garbage, good, shapeless, failing, '127.0.0.1:1'])
  assert.deepEqual(value, ['t'])
  assert.deepEqual(warnings.map(({ code }) => code).toSorted(), [
    'E_HTTP_CONNECT',
    'E_HTTP_REPLY',
    'E_HTTP_STATUS',
    'E_LOOKUP_REPLY',
  ])
  const shape = warnings.find(({ code }) => code === 'E_LOOKUP_REPLY')
  assert.match(shape?.message ?? '', new RegExp(`http://${shapeless}/topics .* topics is not a list`))
})

test('when all fail it throws, naming each of them', async () => {
  const failing = await answering({ message: 'INTERNAL_ERROR' }, 500)
  await assert.rejects(listNodes([failing, '127.0.0.1:1']), (error: unknown) => {
    assert.ok(error instanceof Error && 'code' in error && error.code === 'E_LOOKUP')
    assert.ok(error.message.includes(failing) && error.message.includes('127.0.0.1:1'))
    assert.ok(error.cause instanceof Error)
    return true
  })
})

test('one that does not answer in time is given up', async () => {
  const good = await answering({ topics: ['t'] })
  const silent = await FakeLookupd.start()
  fakes.push(silent)
  silent.isSilent = true
  const { value, warnings } = await listTopics([silent.address, good], { requestTimeoutMs: 1000 })
  assert.deepEqual(value, ['t'])
  assert.equal(warnings[0]?.code, 'E_HTTP_TIMEOUT')
})

for (const [what, body] of [
  ['no producers', {}],
  ['a producer that is no object', { producers: ['x'] }],
  ['a producer without a port', { producers: [{ ...NSQD, tcp_port: undefined }] }],
  ['a list', []],
] as const) {
  test(`a reply with ${what} is refused`, async () => {
    const address = await answering(body)
    await assert.rejects(lookupTopic([address], 't'), /did not answer like nsqlookupd/)
  })
}

test('an error does not show the password of an address', async () => {
  await assert.rejects(listTopics(['http://ada:secret@127.0.0.1:1']), ({ message }: Error) => {
    assert.match(message, /ada:\*\*\*@127\.0\.0\.1:1/)
    return true
  })
})
