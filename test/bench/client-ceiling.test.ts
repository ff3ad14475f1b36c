import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choose } from '../../bench/choose.ts'
import { CLIENT_LINES } from '../../bench/client/lines.ts'
import { measureClients } from '../../bench/client/measure.ts'
import { clientFindings } from '../../bench/client/table.ts'

const TINY = { warmMs: 10, measureMs: 50, backlog: 0.001 }

for (const name of ['client-publish', 'client-batch', 'client-consume']) {
  test(`the line ${name} has a ceiling`, async () => {
    const [line] = choose(CLIENT_LINES, [name])
    assert.ok(line)
    const contestants = line.contestants.filter(({ client }) => client === 'bare').slice(-1)
    const result = await measureClients({ ...line, contestants }, { rounds: 1, scale: TINY })
    const [finding] = clientFindings(result)
    assert.ok(finding?.ceiling !== undefined && finding.ceiling > 0)
  })
}
