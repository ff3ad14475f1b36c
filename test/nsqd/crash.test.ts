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

async function stats(nsqd: Spawned, query = ''): Promise<string> {
  return (await fetch(`http://127.0.0.1:${nsqd.http.port}/stats${query}`)).text()
}

/** What has to hold of the nsqd that comes after the killed one. */
type Check = (next: Spawned) => Promise<void>
/** What an nsqd goes through, in topics that no other scenario has. `onKilled`: before the next one starts. */
type Scenario = (nsqd: Spawned, folder: string, onKilled: (act: () => void) => void) => Promise<Check>

const AT_ONCE: Readonly<Record<string, Scenario>> = {
  async 'gives back what was in flight, and what was requeued'(nsqd) {
    const consumer = await subscribe(nsqd, 'flight', 'c', 3)
    const client = new RawClient(nsqd.tcp)
    assert.equal(await client.ask(mpub('flight', ['a', 'b', 'c', 'd'])), 'OK')
    const [message] = await consumer.messages(3)
    consumer.send(req(message?.id ?? '', 0))
    await consumer.message()
    return async next => {
      await collect(await subscribe(next, 'flight', 'c', 10), new Set(['a', 'b', 'c', 'd']))
    }
  },

  async 'does not make nsqd give the id of a message that is gone to another'(nsqd, folder, onKilled) {
    const consumer = await subscribe(nsqd, 'ids', 'c', 10)
    const client = new RawClient(nsqd.tcp)
    const sizes = (): Map<string, number> => {
      const names = readdirSync(join(folder, 'ids.topic')).filter(name => /\.(log|idx)$/.test(name))
      return new Map(
        names.map(name => join(folder, 'ids.topic', name)).map(path => [path, statSync(path).size]),
      )
    }
    assert.equal(await client.ask(pub('ids', 'kept')), 'OK')
    const kept = sizes()
    assert.equal(await client.ask(pub('ids', 'gone')), 'OK')
    const ids = (await consumer.messages(2)).map(({ id }) => id)
    // As a power cut may do that comes before the next sync.
    onKilled(() => {
      for (const [path, size] of kept) truncateSync(path, size)
    })
    return async next => {
      const publisher = new RawClient(next.tcp)
      assert.equal(await publisher.ask(pub('ids', 'new')), 'OK')
      const messages = await (await subscribe(next, 'ids', 'c', 10)).messages(2)
      const fresh = messages.find(({ body }) => body === 'new')
      assert.ok(fresh !== undefined && !ids.includes(fresh.id), `${fresh?.id} of ${ids.join(', ')}`)
    }
  },

  async 'keeps new topics, channels and pauses that were told of'(nsqd) {
    await post(nsqd, '/topic/create?topic=told')
    await post(nsqd, '/channel/create?topic=told&channel=paused')
    await post(nsqd, '/channel/create?topic=told&channel=gone')
    await post(nsqd, '/channel/delete?topic=told&channel=gone')
    await post(nsqd, '/channel/pause?topic=told&channel=paused')
    return async next => {
      const text = await stats(next, '?format=json&topic=told')
      assert.match(text, /"topic_name":"told"/)
      assert.match(text, /"channel_name":"paused"[^}]*"paused":true/)
      assert.doesNotMatch(text, /gone/)
    }
  },

  async 'does not bring back what was emptied or deleted'(nsqd) {
    const client = new RawClient(nsqd.tcp)
    for (const channel of ['emptied', 'gone']) {
      await post(nsqd, '/topic/create?topic=cleared')
      await post(nsqd, `/channel/create?topic=cleared&channel=${channel}`)
    }
    assert.equal(await client.ask(mpub('cleared', ['1', '2', '3'])), 'OK')
    assert.equal(await client.ask(pub('waiting', '1')), 'OK')
    await post(nsqd, '/channel/empty?topic=cleared&channel=emptied')
    await post(nsqd, '/channel/delete?topic=cleared&channel=gone')
    await post(nsqd, '/topic/empty?topic=waiting')
    return async next => {
      const text = await stats(next)
      assert.match(text, /\[emptied +\] depth: 0 /)
      assert.match(text, /\[waiting +\] depth: 0 /)
      assert.doesNotMatch(text, /gone/)
    }
  },
}

/** Those for which a checkpoint is waited for: the second one's pause is the first one's, too. */
const WITH_CHECKPOINT: Readonly<Record<string, Scenario>> = {
  async 'keeps the due time of a deferred message'(nsqd) {
    const consumer = await subscribe(nsqd, 'deferred', 'c', 5)
    const client = new RawClient(nsqd.tcp)
    const began = Date.now()
    assert.equal(await client.ask(dpub('deferred', 2500, 'published')), 'OK')
    assert.equal(await client.ask(pub('deferred', 'requeued')), 'OK')
    // The time of this one is in a checkpoint only.
    consumer.send(req((await consumer.message()).id, 2500))
    return async next => {
      const messages = await (await subscribe(next, 'deferred', 'c', 5)).messages(2)
      assert.ok(Date.now() - began >= 2499, `${Date.now() - began}`)
      assert.deepEqual(messages.map(({ body, attempts }) => `${body} ${attempts}`).sort(), [
        'published 1',
        'requeued 2',
      ])
    }
  },

  async 'redelivers no more than what was finished since the last checkpoint'(nsqd) {
    const consumer = await subscribe(nsqd, 'finished', 'c', 100)
    const client = new RawClient(nsqd.tcp)
    const bodies = Array.from({ length: 100 }, (_, i) => `message ${i}`)
    assert.equal(await client.ask(mpub('finished', bodies)), 'OK')
    await collect(consumer, new Set(bodies))
    await pause(1000)
    assert.equal(await client.ask(pub('finished', 'last')), 'OK')
    await collect(consumer, new Set(['last']))
    return async next => {
      const got = await collect(await subscribe(next, 'finished', 'c', 100), new Set(['last']))
      assert.deepEqual(got, ['last'])
    }
  },
}

describe('kill -9', () => {
  for (const [when, scenarios] of [
    ['at once', AT_ONCE],
    ['after a checkpoint', WITH_CHECKPOINT],
  ] as const) {
    test(when, async t => {
      const folder = temporaryFolder()
      const first = await spawnNsqd(t, folder)
      const killed: (() => void)[] = []
      const checks = await Promise.all(
        Object.entries(scenarios).map(
          async ([name, run]) => [name, await run(first, folder, act => killed.push(act))] as const,
        ),
      )
      await first.kill()
      for (const act of killed) act()
      const second = await spawnNsqd(t, folder)
      for (const [name, check] of checks) await t.test(name, () => check(second))
    })
  }

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
})
