import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { formatAddress } from '../../src/util/address.ts'
import type { Random } from '../storage/random.ts'
import type { SoakCluster } from './soak-cluster.ts'

const BIN = fileURLToPath(new URL('../../bin/nsq-ts.js', import.meta.url))
const CHURNED_TOPICS = 5

/** What people do besides: they look, tail a topic, and make and delete topics. */
export class Visitors {
  readonly #cluster: SoakCluster
  readonly #random: Random
  #tail: ChildProcess | undefined

  constructor(cluster: SoakCluster, random: Random) {
    this.#cluster = cluster
    this.#random = random
  }

  /** Asks the daemons what pages and tools ask them. One that is just being restarted does not answer. */
  async look(): Promise<void> {
    const { admin, lookupd, nsqds } = this.#cluster
    const web = `http://${formatAddress(admin.http)}`
    await Promise.all([
      ...['/api/topics', '/api/nodes', '/api/counter', '/api/topics/orders', '/'].map(path =>
        ask(web + path),
      ),
      ...nsqds.map(({ http }) => ask(`http://${http}/stats?format=json`)),
      ask(`http://${formatAddress(lookupd.http)}/nodes`),
    ])
  }

  /** Makes a topic, publishes to it, or deletes it. */
  async churn(): Promise<void> {
    const { admin, nsqds } = this.#cluster
    const random = this.#random
    const web = `http://${formatAddress(admin.http)}/api/topics`
    const topic = `churn-${random.int(1, CHURNED_TOPICS)}`
    const what = random.fraction()
    if (what < 0.3) {
      await ask(web, { method: 'POST', body: JSON.stringify({ topic, channel: `c${random.int(1, 3)}` }) })
    } else if (what < 0.6) {
      await ask(`${web}/${topic}`, { method: 'DELETE' })
    } else {
      const nsqd = random.pick(nsqds)
      await ask(`http://${nsqd.http}/pub?topic=${topic}`, { method: 'POST', body: 'x'.repeat(1000) })
    }
  }

  /** Ends the `tail` that there is, and starts another; and prints one report of `stat`. */
  async useTools(): Promise<void> {
    await this.close()
    const lookupd = `--lookupd-http-address=${formatAddress(this.#cluster.lookupd.http)}`
    this.#tail = spawn(process.execPath, [BIN, 'tail', '--topic=orders', lookupd], { stdio: 'ignore' })
    await once(spawn(process.execPath, [BIN, 'stat', '--json', lookupd], { stdio: 'ignore' }), 'exit')
  }

  async close(): Promise<void> {
    const tail = this.#tail
    this.#tail = undefined
    if (tail === undefined || tail.exitCode !== null || tail.signalCode !== null) return
    tail.kill('SIGTERM')
    await once(tail, 'exit')
  }
}

async function ask(url: string, init: RequestInit = {}): Promise<void> {
  try {
    const response = await fetch(url, init)
    await response.arrayBuffer()
  } catch {
    // The accounts say whether anything is lost.
  }
}
