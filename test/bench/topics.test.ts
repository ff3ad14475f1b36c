import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TOPICS_LINES } from '../../bench/topics/lines.ts'
import { measureTopics } from '../../bench/topics/measure.ts'
import { topicsFindings } from '../../bench/topics/table.ts'

const TINY = { warmMs: 0, measureMs: 0, backlog: 0.005 }

for (const line of TOPICS_LINES.slice(-1)) {
  test(`the line ${line.name} is measured: everything is consumed on every channel`, async () => {
    const options = { rounds: 1, scale: TINY, peer: '', profile: '' }
    const result = await measureTopics({ ...line, topics: 12 }, options)
    assert.deepEqual(
      result.outcomes.map(({ setting: { server, topics } }) => `${server} ${topics}`),
      ['ours 12', 'ours 1', 'bare 12'],
    )
    const [finding] = topicsFindings(result)
    assert.ok(finding && finding.ours > 0 && Number(finding.peer) > 0 && Number(finding.ceiling) > 0)
  })
}
