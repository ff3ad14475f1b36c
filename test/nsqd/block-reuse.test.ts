/** Blocks are used again while clients that are slow to read still get what was in them: nothing may be written over. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fin, rdy, sub } from '../../src/protocol/command.ts'
import { certificates } from '../support/certificates.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'
import { type Running, start } from './running.ts'
import { tlsFiles } from './tls-fixtures.ts'
import { type Layers, upgrade } from './upgrades.ts'

const MESSAGES = 1500
const AT_ONCE = 100
const LENGTH = 10_000

/** Every byte says which message it is of. */
function bodyOf(i: number): string {
  const part = `${i};`
  return part.repeat(Math.ceil(LENGTH / part.length)).slice(0, LENGTH)
}

/** Takes all messages of a channel, `pause` ms between one look at its socket and the next, and gives those that are not right. */
async function consume(running: Running, channel: string, layers: Layers, pause: number): Promise<string[]> {
  const client = await running.connect()
  if (Object.keys(layers).length > 0) await upgrade(client, layers)
  assert.equal(await client.ask(sub('t', channel)), 'OK')
  client.send(rdy(2500))
  const wrong: string[] = []
  const seen = new Set<string>()
  while (seen.size < MESSAGES) {
    if (pause > 0) {
      client.socket.pause()
      await delay(pause)
      client.socket.resume()
    }
    const first = await client.message()
    for (const { id, body } of [first, ...(await client.messages(client.waiting.length))]) {
      const number = body.slice(0, body.indexOf(';'))
      if (body !== bodyOf(Number(number))) wrong.push(body)
      seen.add(number)
      client.send(fin(id))
    }
  }
  await client.settled()
  return wrong
}

describe('what is on its way to a slow client is not written over', () => {
  // With less no block is as long as those that are used again.
  for (const memQueueBytes of [4 * 1024 * 1024, 64 * 1024 * 1024]) {
    test(`with ${memQueueBytes} bytes in memory`, async t => {
      const { ca } = await certificates()
      const files = await tlsFiles(temporaryFolder())
      const running = await start(t, { ...files, memQueueBytes })
      const plain: Layers = {}
      const secured: Layers = { tls: { ca: ca.cert } }
      const all = [
        consume(running, 'quick', plain, 0),
        consume(running, 'slow', plain, 2),
        consume(running, 'slower', plain, 7),
        consume(running, 'tls', secured, 0),
        consume(running, 'snappy', { snappy: true }, 0),
        consume(running, 'tls-deflate', { ...secured, deflate: 1 }, 0),
      ]
      await until(() => running.nsqd.topics.get('t')?.channels.size === all.length)
      for (let i = 0; i < MESSAGES; i += AT_ONCE) {
        await running.publish(...Array.from({ length: AT_ONCE }, (_, j) => bodyOf(i + j)))
      }
      for (const wrong of await Promise.all(all)) assert.deepEqual(wrong, [])
    })
  }
})
