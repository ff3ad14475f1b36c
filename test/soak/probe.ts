import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { formatAddress } from '../../src/util/address.ts'
import { readMetrics } from '../support/metrics.ts'
import type { Spawned } from '../support/spawned.ts'
import { quantile, Series } from './series.ts'
import type { Member, SoakCluster } from './soak-cluster.ts'

const MiB = 1024 * 1024
/** The allocator keeps what was needed once. */
const MEMORY = { ratio: 1.1, slack: 12 }
/** A heap is as large as its last garbage collection has left it. */
const HEAP = { ratio: 1.15, slack: 4 }
/** After a garbage collection. What is under way differs by as much. */
const HELD = { ratio: 1.1, slack: 8 }
/** Connections over which HTTP is kept alive come and go by the dozen. */
const DESCRIPTORS = { ratio: 1.1, slack: 24 }
const DISK = { ratio: 1.3, slack: 6 }
/** Generous, as the machine may be busy with something else in the end: only what grows with time is looked for. */
const USUAL_LATENCY = { ratio: 5, slack: 50 }
const RARE_LATENCY = { ratio: 5, slack: 1000 }

// Contexts made after this have `gc`.
setFlagsFromString('--expose-gc')

/** What a process takes. */
class ProcessSeries {
  readonly rss: Series
  readonly heap: Series
  readonly descriptors: Series

  constructor(name: string, heap = HEAP) {
    this.rss = new Series(`${name} memory`, 'MiB', MEMORY)
    this.heap = new Series(`${name} heap`, 'MiB', heap)
    this.descriptors = new Series(`${name} descriptors`, '', DESCRIPTORS)
  }

  get all(): readonly Series[] {
    return [this.rss, this.heap, this.descriptors]
  }
}

/** Measures the daemons, and this process with the clients, again and again. */
export class Probe {
  readonly #cluster: SoakCluster
  /** In ms, of messages since the last sample. */
  readonly #latencies: number[]
  readonly #steady = new ProcessSeries('steady nsqd')
  readonly #restarted = new ProcessSeries('restarted nsqd')
  readonly #lookupd = new ProcessSeries('nsqlookupd')
  readonly #admin = new ProcessSeries('nsqadmin')
  readonly #clients = new ProcessSeries('clients', HELD)
  readonly #steadyDisk = new Series('steady nsqd disk', 'MiB', DISK)
  readonly #restartedDisk = new Series('restarted nsqd disk', 'MiB', DISK)
  readonly #half = new Series('latency p50', 'ms', USUAL_LATENCY)
  readonly #most = new Series('latency p99', 'ms', RARE_LATENCY)

  constructor(cluster: SoakCluster, latencies: number[]) {
    this.#cluster = cluster
    this.#latencies = latencies
  }

  get series(): readonly Series[] {
    const processes = [this.#steady, this.#restarted, this.#lookupd, this.#admin, this.#clients]
    return [
      ...processes.flatMap(({ all }) => all),
      this.#steadyDisk,
      this.#restartedDisk,
      this.#half,
      this.#most,
    ]
  }

  async sample(): Promise<void> {
    const { steady, restarted, lookupd, admin } = this.#cluster
    await Promise.all([
      sampleDaemon(this.#steady, steady.process),
      sampleDaemon(this.#restarted, restarted.process),
      sampleDaemon(this.#lookupd, lookupd),
      sampleDaemon(this.#admin, admin),
      sampleDisk(this.#steadyDisk, steady),
      sampleDisk(this.#restartedDisk, restarted),
    ])
    // Here it can be told exactly what is still held.
    runInNewContext('gc()')
    const { rss, heapUsed } = process.memoryUsage()
    this.#clients.rss.add(rss / MiB)
    this.#clients.heap.add(heapUsed / MiB)
    this.#clients.descriptors.add(await descriptorsOf(process.pid))
    const latencies = this.#latencies.splice(0)
    this.#half.add(quantile(latencies, 0.5))
    this.#most.add(quantile(latencies, 0.99))
  }
}

/** One that is just being restarted is not measured. */
async function sampleDaemon(series: ProcessSeries, daemon: Spawned): Promise<void> {
  const metrics = await fetch(`http://${formatAddress(daemon.http)}/metrics`).then(
    async response => readMetrics(await response.text()),
    () => new Map<string, number>(),
  )
  series.rss.add((metrics.get('process_resident_memory_bytes') ?? Number.NaN) / MiB)
  series.heap.add((metrics.get('nodejs_heap_size_used_bytes') ?? Number.NaN) / MiB)
  series.descriptors.add(await descriptorsOf(daemon.pid))
}

/** NaN where the system does not tell. */
async function descriptorsOf(pid: number): Promise<number> {
  return readdir(`/proc/${pid}/fd`).then(
    names => names.length,
    () => Number.NaN,
  )
}

async function sampleDisk(series: Series, { dataPath }: Member): Promise<void> {
  series.add((await bytesIn(dataPath)) / MiB)
}

/** On the disk. Topics are deleted all the time: what goes while it is looked at takes nothing. */
async function bytesIn(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  const sizes = entries.map(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return bytesIn(path)
    return stat(path).then(
      ({ blocks }) => blocks * 512,
      () => 0,
    )
  })
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0)
}
