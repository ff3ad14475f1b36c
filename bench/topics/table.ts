import type { Finding } from '../finding.ts'
import { megabytes, microseconds, rate, ratio, table } from '../table.ts'
import type { TopicsResult, TopicsSetting } from './measure.ts'

const NAMES = { ours: 'ours', other: 'the other nsqd', bare: 'ceiling' }

export function topicsFindings({ line, outcomes }: TopicsResult): Finding[] {
  const { name, what, topics, aims } = line
  const of = (server: TopicsSetting['server'], count: number): number | undefined =>
    outcomes.find(({ setting }) => setting.server === server && setting.topics === count)?.outcome.median.rate
  const ours = of('ours', topics) ?? 0
  return [{ name, what, unit: 'rate', ours, peer: of('ours', 1), ceiling: of('bare', topics), aims }]
}

/** A table for each line. */
export function topicsTables(results: readonly TopicsResult[]): string[] {
  return results.map(({ line, outcomes }) => {
    const head = [
      `processor time of a message on ${line.channels} channels (\`${line.name}\`)`,
      'messages',
      'of its own with one',
      'nsqd CPU',
      'load CPU',
      'resident',
    ]
    const rows = outcomes.map(({ setting, outcome: { median, peakRss } }) => {
      const one = outcomes.find(
        other => other.setting.server === setting.server && other.setting.topics === 1,
      )
      return [
        `${NAMES[setting.server]}, ${setting.topics === 1 ? '1 topic' : `${setting.topics} topics`}`,
        rate(median.rate),
        setting.topics === 1 ? '' : ratio(median.rate, one?.outcome.median.rate),
        microseconds(median.daemonNs),
        microseconds(median.loadNs),
        megabytes(peakRss),
      ]
    })
    return table(head, rows)
  })
}
