import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { TOOL_LINES } from '../../bench/tools/lines.ts'
import { measureTools } from '../../bench/tools/measure.ts'
import { toolFindings, toolTables } from '../../bench/tools/table.ts'

const TINY = { warmMs: 20, measureMs: 100, backlog: 0.005 }

// It is the measuring that sees to it that everything arrives.
describe('lines of tools', { concurrency: true }, () => {
  for (const line of TOOL_LINES) {
    test(`the line ${line.name} is measured`, async () => {
      const settings = line.settings.filter(
        setting => setting.by !== 'official' && (setting.tool === 'pub' || setting.maxInFlight === 200),
      )
      const options = { rounds: 1, scale: TINY, officialBin: '', profile: '' }
      const result = await measureTools({ ...line, settings }, options)
      const { outcomes } = result
      assert.deepEqual(new Set(outcomes.map(({ setting }) => setting)), new Set(settings))
      for (const { setting, outcome, wholeMs } of outcomes) {
        assert.ok(outcome.median.rate > 0)
        assert.equal(wholeMs === undefined, setting.by === 'bare')
        assert.equal(outcome.peakRss === undefined, setting.by === 'bare')
      }
      const [finding] = toolFindings(result)
      assert.ok(finding?.ceiling !== undefined && finding.ceiling > 0)
      const [table] = toolTables([result])
      assert.equal(table?.trimEnd().split('\n').length, outcomes.length + 2)
    })
  }
})
