/**
 * HTTP clients of nsqd that mean no good: nsqd goes on serving the others, in bounded memory.
 *
 *     TOPICS=1000000 node --import tsx --test test/faults/hostile-http.test.ts
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { after, before, describe, test } from 'node:test'
import { Spawned } from '../support/spawned.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { closed, MiB, Victim } from './victim.ts'

/** How many topics are asked for, where 100 are allowed. */
const TOPICS = Number(process.env['TOPICS'] ?? 500)
const MAX_TOPICS = 100
const MAX_CHANNELS = 10
const SLACK = 100 * MiB

const nsqd = new Spawned('nsqd', [
  `--data-path=${temporaryFolder()}`,
  `--max-topics=${MAX_TOPICS}`,
  `--max-channels=${MAX_CHANNELS}`,
])
const victim = new Victim(nsqd)
const agent = new Agent({ keepAlive: true, maxSockets: 50 })

before(async () => {
  await nsqd.start()
  await victim.serves()
})
after(() => {
  agent.destroy()
  return nsqd.kill()
})

/** The status of a reply, and its text. */
async function post(path: string): Promise<[number | undefined, string]> {
  const { host, port } = nsqd.http
  const [response] = await once(request({ host, port, path, method: 'POST', agent }).end(), 'response')
  let text = ''
  for await (const chunk of response) text += String(chunk)
  return [response.statusCode, text]
}

/** What the socket gets until it is closed. */
async function everything(socket: Socket): Promise<string> {
  let text = ''
  socket.setEncoding('latin1').on('data', chunk => (text += String(chunk)))
  await closed(socket)
  return text
}

const head = (method: string, path: string, ...headers: readonly string[]): string =>
  [`${method} ${path} HTTP/1.1`, 'Host: nsqd', ...headers, '', ''].join('\r\n')

describe('more than is allowed', () => {
  test('topics are refused, however many are asked for, and those that are there stay', async t => {
    const memory = victim.memory
    const { descriptors } = victim
    let made = 0
    let asked = 0
    const ask = async (): Promise<void> => {
      while (asked < TOPICS) {
        const name = `topic-${asked++}`
        const [status, text] = await post(`/topic/create?topic=${name}`)
        if (status === 200) made++
        else assert.match(`${status} ${text}`, /^403 \{"message":"TOO_MANY_TOPICS"/)
      }
    }
    await Promise.all(Array.from({ length: 50 }, ask))
    // `serves` has one of its own.
    assert.ok(made === MAX_TOPICS || made === MAX_TOPICS - 1, `${made} were made`)
    const grown = victim.memory - memory
    t.diagnostic(`${TOPICS} topics asked for: ${made} made, ${Math.round(grown / MiB)} MiB`)
    assert.ok(grown < SLACK)
    assert.ok(victim.descriptors < descriptors + 3 * MAX_TOPICS + 100)
    assert.equal((await post('/pub?topic=topic-0'))[0], 400)
    assert.equal((await post('/topic/delete?topic=topic-0'))[0], 200)
    await victim.serves()
  })

  test('channels are refused likewise', async () => {
    const replies: (number | undefined)[] = []
    for (let i = 0; i < MAX_CHANNELS + 20; i++) {
      const [status] = await post(`/channel/create?topic=topic-1&channel=c${i}`)
      replies.push(status)
    }
    assert.deepEqual(replies, [...Array(MAX_CHANNELS).fill(200), ...Array(20).fill(403)])
    await victim.serves()
  })
})

describe('requests', () => {
  test('that are sent ahead by the thousand, of large replies that nobody reads, cost one reply', async () => {
    const memory = victim.memory
    const many = head('GET', '/stats?format=json').repeat(20_000)
    for (let i = 0; i < 5; i++) await victim.connectHttp(many)
    const few = head('GET', '/stats?format=json').repeat(50)
    for (let i = 0; i < 20; i++) await victim.connectHttp(few)
    await victim.serves()
    assert.ok(victim.memory - memory < SLACK)
    await victim.leave()
  })

  test('with more headers than anybody has are refused', async () => {
    for (const flood of [
      `X-Long: ${'x'.repeat(1024 * 1024)}`,
      Array.from({ length: 100_000 }, (_, i) => `X-${i}: x`).join('\r\n'),
    ]) {
      const socket = await victim.connectHttp(head('GET', '/ping', flood))
      assert.match(await everything(socket), /^HTTP\/1.1 431 |^$/)
    }
    await victim.serves()
  })

  test('with many headers, within the limit, are answered', async () => {
    // Node 20 takes 2000, Node 24 less than 1000.
    const headers = Array.from({ length: 900 }, (_, i) => `a${i}: b`)
    const socket = await victim.connectHttp(head('GET', '/ping', ...headers, 'Connection: close'))
    assert.match(await everything(socket), /^HTTP\/1.1 200 [^]*OK$/)
  })

  test('whose bodies are announced as enormous, or come in chunks of a byte, take no more than they have', async () => {
    const memory = victim.memory
    const socket = await victim.connectHttp(
      head('POST', '/pub?topic=topic-1', 'Content-Length: 999999999999'),
    )
    assert.match(await everything(socket), /^HTTP\/1.1 413 [^]*MSG_TOO_BIG/)
    const chunks = '1\r\nx\r\n'.repeat(400_000)
    const slow = await victim.connectHttp(
      head('POST', '/mpub?topic=topic-1', 'Transfer-Encoding: chunked') + chunks,
    )
    while (slow.writableLength > 0) await victim.serves()
    assert.ok(victim.memory - memory < SLACK)
    await victim.leave()
  })

  test('for what takes long, from many, leave time for the others', async () => {
    const waiting = Array.from({ length: 100 }, (_, i) =>
      victim.get(i % 2 === 0 ? '/stats?format=json' : '/peek?topic=topic-1&n=1000'),
    )
    await victim.serves()
    await Promise.all(waiting)
  })

  test('that are none are refused', async () => {
    for (const bytes of ['\0'.repeat(1000), 'GET\r\n\r\n', head('GET', 'x'.repeat(100_000)), '  V2']) {
      const socket = await victim.connectHttp(bytes)
      socket.end()
      assert.match(await everything(socket), /^HTTP\/1.1 4\d\d |^$/)
    }
    await victim.serves()
  })
})
