import { performance } from 'node:perf_hooks'
import type { MetricFamily, MetricsWriter } from './prometheus.ts'
import { version } from './version.ts'

/** What every daemon says of its process, under the names that Prometheus' own client libraries use. */
const families: readonly (MetricFamily & { read(usage: Usage): number })[] = [
  {
    name: 'process_cpu_seconds_total',
    type: 'counter',
    help: 'Processor time that the process has used, of all its threads.',
    read: ({ cpu }) => (cpu.user + cpu.system) / 1e6,
  },
  {
    name: 'process_start_time_seconds',
    type: 'gauge',
    help: 'When the process was started, in seconds since 1970.',
    read: () => performance.timeOrigin / 1000,
  },
  {
    name: 'process_resident_memory_bytes',
    type: 'gauge',
    help: 'Memory of the process that is in RAM.',
    read: ({ memory }) => memory.rss,
  },
  {
    name: 'nodejs_heap_size_total_bytes',
    type: 'gauge',
    help: 'Memory that V8 has for JavaScript objects.',
    read: ({ memory }) => memory.heapTotal,
  },
  {
    name: 'nodejs_heap_size_used_bytes',
    type: 'gauge',
    help: 'Memory that JavaScript objects take of it.',
    read: ({ memory }) => memory.heapUsed,
  },
  {
    name: 'nodejs_external_memory_bytes',
    type: 'gauge',
    help: "Memory outside of V8's heap that belongs to JavaScript objects: the bytes of messages, above all.",
    read: ({ memory }) => memory.external,
  },
  {
    name: 'nodejs_eventloop_active_seconds_total',
    type: 'counter',
    help: 'Time in which the event loop was not waiting. Its rate is how busy the daemon is: 1 is all the time.',
    read: () => performance.eventLoopUtilization().active / 1000,
  },
]

interface Usage {
  readonly cpu: NodeJS.CpuUsage
  readonly memory: NodeJS.MemoryUsage
}

/** Writes `NAME_build_info`, and what is known of the process. */
export function writeProcessMetrics(writer: MetricsWriter, daemon: string): void {
  writer.begin({
    name: `${daemon}_build_info`,
    type: 'info',
    help: 'The version of nsq-ts, and of Node.js.',
  })
  writer.sample(1, `{version="${version}",node="${process.version}"}`)
  const usage = { cpu: process.cpuUsage(), memory: process.memoryUsage() }
  for (const family of families) writer.single(family, family.read(usage))
}
