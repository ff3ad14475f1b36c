import { writeNsqdFamilies } from '../../cluster/metrics.ts'
import { labelText, MetricsWriter } from '../../util/prometheus.ts'
import type { Report } from './report.ts'
import type { Selection } from './selection.ts'

/** The metrics that nsqd has of its topics and channels, with a label for the nsqd. */
export async function reportMetrics(
  { nodes, stats }: Pick<Report, 'nodes' | 'stats'>,
  selection: Selection,
): Promise<string> {
  const writer = new MetricsWriter()
  writer.begin({ name: 'nsqd_up', type: 'gauge', help: 'Whether nsqd answered (1) or not (0).' })
  for (const { node, error } of nodes) writer.sample(Number(error === undefined), labelText({ nsqd: node }))
  await writeNsqdFamilies(
    writer,
    stats.map(nsqd => ({
      ...nsqd,
      labels: { nsqd: nsqd.node },
      topics: nsqd.topics
        .filter(({ name }) => selection.topic(name))
        .map(topic => ({ ...topic, channels: topic.channels.filter(({ name }) => selection.channel(name)) }))
        .filter(({ channels }) => channels.length > 0 || selection.allChannels),
    })),
  )
  return writer.finish()
}
