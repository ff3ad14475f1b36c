import assert from 'node:assert/strict'
import { appendFileSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fin, mpub, pub, rdy, sub } from '../../src/protocol/command.ts'
import { RawClient } from '../nsqd/raw-client.ts'
import { type Random, seeded } from '../storage/random.ts'
import { type Spawned, spawnNsqd } from '../support/spawned.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'
import { Ledger } from './ledger.ts'

/** Rounds of each kind; one in ten of the kills that were asked for. */
const ROUNDS = Math.max(1, Math.round(Number(process.env.KILLS ?? 10) / 10))
const CHANNEL = 'c'

/** The newest file of the topic whose name ends like this. */
function newest(dataPath: string, kind: '.log' | '.idx'): string {
  const folder = join(dataPath, 't.topic')
  const last = readdirSync(folder)
    .filter(name => name.endsWith(kind))
    .sort()
    .at(-1)
  assert.ok(last !== undefined)
  return join(folder, last)
}

async function publish(nsqd: Spawned, ledger: Ledger, random: Random, count: number): Promise<void> {
  const client = new RawClient(nsqd.tcp)
  for (let i = 0; i < count; i++) {
    const group = Array.from({ length: random.int(1, 60) }, () =>
      ledger.next('t', 'p', { size: random.int(30, 400) }),
    )
    const [first = ''] = group
    assert.equal(await client.ask(group.length === 1 ? pub('t', first) : mpub('t', group)), 'OK')
    for (const body of group) ledger.acknowledged(body)
  }
  client.destroy()
}

/** Reads all that comes, until nothing is left in the channel. */
async function drain(nsqd: Spawned, ledger: Ledger): Promise<void> {
  const client = new RawClient(nsqd.tcp)
  assert.equal(await client.ask(sub('t', CHANNEL)), 'OK')
  client.send(rdy(2500))
  const last = ledger.next('t', 'last')
  const publisher = new RawClient(nsqd.tcp)
  assert.equal(await publisher.ask(pub('t', last)), 'OK')
  await until(() => {
    let isOver = false
    for (const { id, body, attempts } of client.takeAll()) {
      ledger.delivered(CHANNEL, body, attempts, Date.now(), { id })
      client.send(fin(id))
      isOver ||= body === last
    }
    return isOver
  })
}

/** Kills an nsqd, damages what it has left, and gives how many messages were lost, and how many that was said of. */
async function damaged(
  t: TestContext,
  random: Random,
  damage: (dataPath: string) => void,
): Promise<{ lost: number; log: string; dataPath: string }> {
  const dataPath = temporaryFolder()
  const ledger = new Ledger()
  const first = await spawnNsqd(t, dataPath)
  const client = new RawClient(first.tcp)
  assert.equal(await client.ask(sub('t', CHANNEL)), 'OK')
  client.destroy()
  await publish(first, ledger, random, 40)
  await first.kill()
  damage(dataPath)
  const second = await spawnNsqd(t, dataPath)
  await drain(second, ledger)
  ledger.check()
  const lost = ledger.missingCount('t', CHANNEL)
  assert.equal(await second.kill('SIGTERM'), 0)
  return { lost, log: second.log, dataPath }
}

describe('what nsqd has left when it was killed', () => {
  test('may end with half a write: nothing acknowledged is lost', async t => {
    const random = seeded(text => t.diagnostic(text))
    for (let round = 0; round < ROUNDS; round++) {
      const { lost } = await damaged(t, random, dataPath => {
        const log = newest(dataPath, '.log')
        // The beginning of a message that was written before, as a torn write would leave it; or anything.
        const torn = random.chance(0.5)
          ? readFileSync(log).subarray(0, random.int(1, 900))
          : random.bytes(300)
        appendFileSync(log, torn)
        if (random.chance(0.5)) appendFileSync(newest(dataPath, '.idx'), random.bytes(random.int(1, 40)))
      })
      assert.equal(lost, 0)
    }
  })

  test('may have a bad bit: what is lost by it is told, and nothing else is lost or changed', async t => {
    const random = seeded(text => t.diagnostic(text))
    for (let round = 0; round < ROUNDS; round++) {
      let at = 0
      const { lost, log, dataPath } = await damaged(t, random, path => {
        const file = newest(path, random.chance(0.8) ? '.log' : '.idx')
        const bytes = readFileSync(file)
        at = random.int(0, bytes.length - 1)
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << random.int(0, 7)), at)
        writeFileSync(file, bytes)
      })
      const told = [...log.matchAll(/(\d+) messages are lost/g)].reduce(
        (sum, [, count]) => sum + Number(count),
        0,
      )
      // At the very end there may be no line that says how many there were.
      if (!log.includes('about ')) assert.equal(lost, told, `byte ${at}:\n${log}`)
      else assert.ok(lost <= 60, `byte ${at}: ${lost}\n${log}`)
      if (told > 0) assert.match(readdirSync(join(dataPath, 't.topic')).join(), /\.bad-\d+/)
      t.diagnostic(`${lost} messages lost to a bad bit`)
    }
  })
})
