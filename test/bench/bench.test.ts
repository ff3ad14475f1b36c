import assert from 'node:assert/strict'
import { test } from 'node:test'
import { choose, parseRounds } from '../../bench/choose.ts'
import { CLIENT_LINES } from '../../bench/client/lines.ts'
import { type ClientResult, measureClients } from '../../bench/client/measure.ts'
import { clientFindings } from '../../bench/client/table.ts'
import { FAMILIES } from '../../bench/families.ts'
import { LINES } from '../../bench/lines.ts'
import { measure } from '../../bench/measure.ts'
import { START_LINES } from '../../bench/start/lines.ts'
import { measureStart } from '../../bench/start/measure.ts'
import { STAT_LINES } from '../../bench/stat/lines.ts'
import { measureStat } from '../../bench/stat/measure.ts'

const TINY = { warmMs: 20, measureMs: 100, backlog: 0.005 }

// One line of each kind: that everything is published and finished, not how fast. No `power`: a disk that is busy
// otherwise may not sync once in the time.
for (const name of ['idle', 'sub-10']) {
  test(`the line ${name} is measured`, async () => {
    const [line] = choose(LINES, [name])
    assert.ok(line)
    const { ours, ceiling } = await measure(line, { rounds: 1, scale: TINY, peer: '', profile: '' })
    assert.equal(ours.rounds.length, 1)
    assert.ok(Number(ours.peakRss) > 0)
    if (line.load.kind === 'idle') return
    assert.ok(ours.median.rate > 0)
    assert.ok(ceiling.median.rate > 0)
  })
}

// nsqjs, ours and the ceiling, in one setting of each line, and all of them on one nsqd.
test('the lines of the clients are measured', async () => {
  const lines = ['client-publish', 'client-batch', 'client-consume'].flatMap(name =>
    choose(CLIENT_LINES, [name]),
  )
  const settings = lines.map(({ contestants }) =>
    (['nsqjs', 'ours', 'bare'] as const).flatMap(wanted =>
      contestants.filter(({ client }) => client === wanted).slice(0, 1),
    ),
  )
  const [first] = lines
  assert.ok(first)
  const line = { ...first, contestants: settings.flat() }
  // On a busy machine somebody may get nothing done in a short time, and then all have a longer one.
  let { outcomes } = await measureClients(line, { rounds: 1, scale: TINY })
  for (let measureMs = 500; measureMs < 10_000 && outcomes.some(isIdle); measureMs *= 3) {
    ;({ outcomes } = await measureClients(line, { rounds: 1, scale: { ...TINY, measureMs } }))
  }
  for (const [i, line] of lines.entries()) {
    const own = outcomes.filter(({ setting }) => settings[i]?.includes(setting))
    const [finding] = clientFindings({ line, outcomes: own })
    assert.ok(
      finding && finding.ours > 0 && Number(finding.peer) > 0 && Number(finding.ceiling) > 0,
      line.name,
    )
  }
})

function isIdle({ outcome }: ClientResult['outcomes'][number]): boolean {
  return outcome.median.rate === 0
}

test('the line stat is measured', async () => {
  const [line] = STAT_LINES
  assert.ok(line)
  const { median, answerBytes } = await measureStat({ ...line, topics: 20, nsqds: 2 }, { rounds: 1 })
  for (const part of ['refresh', 'answering', 'reporting', 'drawing'] as const) assert.ok(median[part] > 0)
  assert.ok(answerBytes > 1000)
})

test('the line start-dev is measured', async () => {
  const line = START_LINES.find(({ name }) => name === 'start-dev')
  assert.ok(line)
  const { ours, node } = await measureStart(line, { rounds: 0.25 })
  assert.ok(ours > 0 && node > 0)
})

test('no two lines have the same name', () => {
  const names = FAMILIES.flatMap(({ lines }) => lines.map(({ name }) => name))
  assert.deepEqual([...new Set(names)], names)
})

test('a name stands for the lines that it begins, and an unknown one is refused', () => {
  const names = choose(LINES, ['mpub']).map(line => line.name)
  assert.deepEqual(names, ['mpub-none', 'mpub-process', 'mpub-power'])
  assert.deepEqual(
    choose(CLIENT_LINES, ['client-layers']).map(line => line.name),
    ['client-layers-publish', 'client-layers-consume'],
  )
  assert.throws(() => choose(LINES, ['pu']), /no line named pu/)
})

test('rounds are a whole number from 1 on', () => {
  assert.deepEqual(['1', '12'].map(parseRounds), [1, 12])
  for (const text of ['abc', '0', '-1', '1.5', '', '1e9'])
    assert.throws(() => parseRounds(text), /--rounds is/)
})
