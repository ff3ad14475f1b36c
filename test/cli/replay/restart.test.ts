/** A replay outlives an nsqd that restarts: nothing is missing in the end. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { Nsqd } from '../../../src/nsqd/daemon.ts'
import { Daemons, http, tcp } from '../../client/daemons.ts'
import { eventually } from '../../cluster/rig.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { until } from '../../support/wait.ts'
import { nsq } from '../admin/rig.ts'

const HOUR = 3_600_000

/** An nsqd that can be started again where it was. */
class Restartable {
  readonly #all = new Daemons()
  readonly #dataPath = temporaryFolder()
  #nsqd: Nsqd | undefined

  static async start(t: TestContext): Promise<Restartable> {
    const restartable = new Restartable()
    t.after(() => restartable.#all.close())
    await restartable.#start({})
    return restartable
  }

  get nsqd(): Nsqd {
    return this.#nsqd ?? assert.fail()
  }

  async restart(): Promise<void> {
    const addresses = { tcpAddress: tcp(this.nsqd), httpAddress: http(this.nsqd) }
    await this.nsqd.close()
    await this.#start(addresses)
  }

  async #start(addresses: { tcpAddress?: string; httpAddress?: string }): Promise<void> {
    this.#nsqd = await this.#all.nsqd({ dataPath: this.#dataPath, retainTime: HOUR, ...addresses })
  }

  /** What waits in a topic; the first of each body. */
  async waiting(topic: string): Promise<string[]> {
    const reply = await fetch(`http://${http(this.nsqd)}/peek?topic=${topic}&n=1000`)
    const { messages = [] }: { messages?: { body: string }[] } = JSON.parse(await reply.text())
    return [...new Set(messages.map(({ body }) => body))]
  }
}

const LINES = Array.from({ length: 300 }, (_, i) => `line ${i}`)

test('an archive, in its order', async t => {
  const target = await Restartable.start(t)
  const file = join(temporaryFolder(), 'a.log')
  writeFileSync(file, LINES.map(line => `${line}\n`).join(''))
  const words = ['--topic', 'again', '--rate', '300', '--yes', `--nsqd-http-address=${http(target.nsqd)}`]
  const running = nsq(['replay', file, ...words])
  await eventually(async () => (await target.waiting('again')).length > 50)
  await target.restart()
  const { code, err } = await running
  assert.equal(code, 0, err)
  assert.deepEqual(await target.waiting('again'), LINES)
})

test('another topic, both nsqds in turn', async t => {
  const [source, target] = [await Restartable.start(t), await Restartable.start(t)]
  source.nsqd.topic('orders').channel('mail')
  await source.nsqd.publish(
    'orders',
    LINES.map(line => Buffer.from(line)),
    0,
  )
  await until(() => source.nsqd.topic('orders').channel('mail').depth === LINES.length)
  const words = ['--topic', 'orders', '--to-topic', 'again', '--since', '1h', '--rate', '300', '--yes']
  const where = [
    `--nsqd-http-address=${http(source.nsqd)}`,
    `--destination-nsqd-tcp-address=${tcp(target.nsqd)}`,
  ]
  const running = nsq(['replay', ...words, ...where])
  await eventually(async () => (await target.waiting('again')).length > 30)
  await source.restart()
  await eventually(async () => (await target.waiting('again')).length > 60)
  await target.restart()
  const { code, err } = await running
  assert.equal(code, 0, err)
  assert.deepEqual((await target.waiting('again')).sort(), [...LINES].sort())
  assert.deepEqual([...source.nsqd.topic('orders').channels.keys()], ['mail'])
})
