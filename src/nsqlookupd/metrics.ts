import { writeProcessMetrics } from '../util/process-metrics.ts'
import { labelText, type MetricFamily, type MetricsWriter } from '../util/prometheus.ts'
import type { Registry } from './registry.ts'

const topics: MetricFamily = { name: 'nsqlookupd_topics', type: 'gauge', help: 'Topics that are known.' }
const channels: MetricFamily = {
  name: 'nsqlookupd_channels',
  type: 'gauge',
  help: 'Channels that are known, over all topics.',
}
const producers: MetricFamily = {
  name: 'nsqlookupd_producers',
  type: 'gauge',
  help: 'nsqds that are connected, and were heard of within --inactive-producer-timeout.',
}
const inactive: MetricFamily = {
  name: 'nsqlookupd_inactive_producers',
  type: 'gauge',
  help: 'nsqds that are connected and were not heard of for longer: consumers are not sent there.',
}
const tombstones: MetricFamily = {
  name: 'nsqlookupd_tombstones',
  type: 'gauge',
  help: 'Topics of nsqds that are hidden at present.',
}
const topicProducers: MetricFamily = {
  name: 'nsqlookupd_topic_producers',
  type: 'gauge',
  help: 'nsqds that /lookup answers for the topic.',
}
const topicChannels: MetricFamily = {
  name: 'nsqlookupd_topic_channels',
  type: 'gauge',
  help: 'Channels of the topic that are known.',
}

/** Writes all that nsqlookupd has to say of itself and of what is registered. */
export function writeLookupdMetrics(writer: MetricsWriter, registry: Registry): void {
  writeProcessMetrics(writer, 'nsqlookupd')
  const known = registry.topics().map(topic => ({
    labels: labelText({ topic }),
    producers: registry.producersOf(topic).length,
    channels: registry.channels(topic).length,
  }))
  const { active, all } = registry.producerCounts
  writer.single(topics, known.length)
  writer.single(
    channels,
    known.reduce((sum, topic) => sum + topic.channels, 0),
  )
  writer.single(producers, active)
  writer.single(inactive, all - active)
  writer.single(tombstones, registry.tombstones().length)
  writer.begin(topicProducers)
  for (const topic of known) writer.sample(topic.producers, topic.labels)
  writer.begin(topicChannels)
  for (const topic of known) writer.sample(topic.channels, topic.labels)
}
