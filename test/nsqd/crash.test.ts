import assert from 'node:assert/strict'
import { readdirSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { dpub, fin, mpub, pub, rdy, req, sub } from '../../src/protocol/command.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { RawClient } from './raw-client.ts'
import { pause, until } from '../support/wait.ts'
import { type Spawned, spawnNsqd } from '../support/spawned.ts'

async function subscribe(nsqd: Spawned, topic: string, channel: string, ready: number): Promise<RawClient> {
  const client = new RawClient(nsqd.tcp)
  assert.equal(await client.ask(sub(topic, channel)), 'OK')
  client.send(rdy(ready))
  return client
}

/** Finishes whatever comes until the wanted messages have all come; gives every message's body. */
async function collect(client: RawClient, wanted: ReadonlySet<string>): Promise<string[]> {
  const got: string[] = []
  const missing = new Set(wanted)
  await until(
    () => {
      for (const { id, body } of client.takeAll()) {
        got.push(body)
        missing.delete(body)
        client.send(fin(id))
      }
      return missing.size === 0
    },
    () => `${missing.size} of ${wanted.size} did not come`,
  )
  return got
}

/**
 * Publishes in several ways until nsqd is killed in the middle; gives what was acknowledged. Each body is of `topic`.
 */
async function publishUntilKilled(nsqd: Spawned, topic: string, ms: number): Promise<Set<string>> {
  const acknowledged = new Set<string>()
  const end = Date.now() + ms
  const publish = async (name: string, batch: number): Promise<void> => {
    const client = new RawClient(nsqd.tcp)
    const waiting: string[][] = []
    for (let i = 0; Date.now() < end; i++) {
      const bodies = Array.from({ length: batch }, (_, j) => `${name} ${i} ${j}`.padEnd(120, '.'))
      client.send(batch === 1 ? pub(topic, bodies[0] ?? '') : mpub(topic, bodies))
      waiting.push(bodies)
      if (waiting.length < 5) continue
      const reply = await client.reply().catch(() => 'closed')
      if (reply !== 'OK') break
      for (const body of waiting.shift() ?? []) acknowledged.add(body)
    }
    // What was acknowledged before the end counts too.
    for (const bodies of waiting) {
      const reply = await client.reply().catch(() => 'closed')
      if (reply !== 'OK') break
      for (const body of bodies) acknowledged.add(body)
    }
    client.destroy()
  }
  const publishers = [publish('a', 1), publish('b', 7), publish('c', 50), publish('d', 1)]
  await pause(ms)
  await nsqd.kill()
  await Promise.all(publishers)
  return acknowledged
}

describe('kill -9 in the middle of publishing', () => {
  test('with --durability=none loses the end at most', async t => {
    const folder = temporaryFolder()
    const first = await spawnNsqd(t, folder, '--durability=none')
    const client = new RawClient(first.tcp)
    assert.equal(await client.ask(pub('t', 'early')), 'OK')
    await pause(50)
    await publishUntilKilled(first, 't', 50)
    const second = await spawnNsqd(t, folder, '--durability=none')
    const consumer = await subscribe(second, 't', 'c', 2500)
    await collect(consumer, new Set(['early']))
    const publisher = new RawClient(second.tcp)
    assert.equal(await publisher.ask(pub('t', 'after')), 'OK')
    await collect(consumer, new Set(['after']))
  })
})

async function post(nsqd: Spawned, path: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${nsqd.http.port}${path}`, { method: 'POST' })
  assert.equal(response.status, 200)
}

describe('kill -9', () => {
  test('gives back what was in flight, and what was requeued', async t => {
    const folder = temporaryFolder()
    const first = await spawnNsqd(t, folder)
    const consumer = await subscribe(first, 't', 'c', 3)
    const client = new RawClient(first.tcp)
    assert.equal(await client.ask(mpub('t', ['a', 'b', 'c', 'd'])), 'OK')
    const [message] = await consumer.messages(3)
    consumer.send(req(message?.id ?? '', 0))
    await consumer.message()
    await first.kill()
    const second = await spawnNsqd(t, folder)
    await collect(await subscribe(second, 't', 'c', 10), new Set(['a', 'b', 'c', 'd']))
  })

  test('keeps the due time of a deferred message', async t => {
    const folder = temporaryFolder()
    const first = await spawnNsqd(t, folder)
    const consumer = await subscribe(first, 't', 'c', 5)
    const client = new RawClient(first.tcp)
    const began = Date.now()
    assert.equal(await client.ask(dpub('t', 1500, 'published')), 'OK')
    assert.equal(await client.ask(pub('t', 'requeued')), 'OK')
    consumer.send(req((await consumer.message()).id, 1500))
    // The second one's time is in a checkpoint only.
    await pause(600)
    await first.kill()
    const second = await spawnNsqd(t, folder)
    const again = await subscribe(second, 't', 'c', 5)
    const messages = await again.messages(2)
    assert.ok(Date.now() - began >= 1499, `${Date.now() - began}`)
    assert.deepEqual(messages.map(({ body, attempts }) => `${body} ${attempts}`).sort(), [
      'published 1',
      'requeued 2',
    ])
  })

  test('redelivers no more than what was finished since the last checkpoint', async t => {
    const folder = temporaryFolder()
    const first = await spawnNsqd(t, folder)
    const consumer = await subscribe(first, 't', 'c', 100)
    const client = new RawClient(first.tcp)
    const bodies = Array.from({ length: 100 }, (_, i) => `message ${i}`)
    assert.equal(await client.ask(mpub('t', bodies)), 'OK')
    await collect(consumer, new Set(bodies))
    await pause(1000)
    assert.equal(await client.ask(pub('t', 'last')), 'OK')
    await collect(consumer, new Set(['last']))
    await first.kill()
    const second = await spawnNsqd(t, folder)
    const got = await collect(await subscribe(second, 't', 'c', 100), new Set(['last']))
    assert.deepEqual(got, ['last'])
  })

  test('does not undo a replay, nor lose what is retained', async t => {
    const folder = temporaryFolder()
    const flags = ['--retain-bytes=1000000000', '--max-bytes-per-file=20000']
    const first = await spawnNsqd(t, folder, ...flags)
    const consumer = await subscribe(first, 't', 'c', 2500)
    const client = new RawClient(first.tcp)
    const publish = async (from: number): Promise<string[]> => {
      const bodies = Array.from({ length: 100 }, (_, i) => `${from + i} `.padEnd(1000, '.'))
      assert.equal(await client.ask(mpub('t', bodies)), 'OK')
      await collect(consumer, new Set(bodies))
      return bodies
    }
    await publish(0)
    await pause(5)
    const since = Date.now()
    await pause(5)
    const bodies = await publish(100)
    consumer.send(rdy(0))
    await consumer.settled()
    await post(first, `/channel/replay?topic=t&channel=c&since=${since}`)
    await first.kill()
    const second = await spawnNsqd(t, folder, ...flags)
    const again = await subscribe(second, 't', 'c', 2500)
    const got = await collect(again, new Set(bodies))
    assert.deepEqual(got, bodies)
    await again.settled()
    assert.deepEqual(again.waiting, [])
  })

  test('does not make nsqd give the id of a message that is gone to another', async t => {
    const folder = temporaryFolder()
    const first = await spawnNsqd(t, folder)
    const consumer = await subscribe(first, 't', 'c', 10)
    const client = new RawClient(first.tcp)
    const sizes = (): Map<string, number> => {
      const names = readdirSync(join(folder, 't.topic')).filter(name => /\.(log|idx)$/.test(name))
      return new Map(
        names.map(name => join(folder, 't.topic', name)).map(path => [path, statSync(path).size]),
      )
    }
    assert.equal(await client.ask(pub('t', 'kept')), 'OK')
    const kept = sizes()
    assert.equal(await client.ask(pub('t', 'gone')), 'OK')
    const ids = (await consumer.messages(2)).map(({ id }) => id)
    await first.kill()
    // As a power cut may do that comes before the next sync.
    for (const [path, size] of kept) truncateSync(path, size)
    const second = await spawnNsqd(t, folder)
    const publisher = new RawClient(second.tcp)
    assert.equal(await publisher.ask(pub('t', 'new')), 'OK')
    const messages = await (await subscribe(second, 't', 'c', 10)).messages(2)
    const fresh = messages.find(({ body }) => body === 'new')
    assert.ok(fresh !== undefined && !ids.includes(fresh.id), `${fresh?.id} of ${ids.join(', ')}`)
  })

  test('keeps new topics, channels and pauses that were told of', async t => {
    const folder = temporaryFolder()
    const first = await spawnNsqd(t, folder)
    await post(first, '/topic/create?topic=t')
    await post(first, '/channel/create?topic=t&channel=c')
    await post(first, '/channel/create?topic=t&channel=gone')
    await post(first, '/channel/delete?topic=t&channel=gone')
    await post(first, '/channel/pause?topic=t&channel=c')
    await first.kill()
    const second = await spawnNsqd(t, folder)
    const stats: unknown = await (
      await fetch(`http://127.0.0.1:${second.http.port}/stats?format=json`)
    ).json()
    const text = JSON.stringify(stats)
    assert.match(text, /"topic_name":"t"/)
    assert.match(text, /"channel_name":"c"[^}]*"paused":true/)
    assert.doesNotMatch(text, /gone/)
  })

  test('does not bring back what was emptied or deleted', async t => {
    const folder = temporaryFolder()
    let nsqd = await spawnNsqd(t, folder)
    const client = new RawClient(nsqd.tcp)
    for (const channel of ['emptied', 'gone']) {
      await post(nsqd, '/topic/create?topic=t')
      await post(nsqd, `/channel/create?topic=t&channel=${channel}`)
    }
    assert.equal(await client.ask(mpub('t', ['1', '2', '3'])), 'OK')
    assert.equal(await client.ask(pub('waiting', '1')), 'OK')
    await post(nsqd, '/channel/empty?topic=t&channel=emptied')
    await post(nsqd, '/channel/delete?topic=t&channel=gone')
    await post(nsqd, '/topic/empty?topic=waiting')
    await nsqd.kill()
    nsqd = await spawnNsqd(t, folder)
    const { port } = nsqd.http
    const stats = await (await fetch(`http://127.0.0.1:${port}/stats`)).text()
    assert.match(stats, /\[emptied +\] depth: 0 /)
    assert.match(stats, /\[waiting +\] depth: 0 /)
    assert.doesNotMatch(stats, /gone/)
  })
})
