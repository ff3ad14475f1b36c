import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { test, type TestContext } from 'node:test'
import type { Totals } from '../../../src/cli/archive/archives.ts'
import type { Backlog } from '../../../src/cli/archive/backlog.ts'
import { Pace, type ProgressLine, showProgress } from '../../../src/cli/archive/progress.ts'
import { Output } from '../../../src/cli/output.ts'
import { until } from '../../support/wait.ts'

const TOTALS: Totals = {
  messages: 1200,
  bytes: 34_000,
  files: 0,
  recovered: 0,
  requeued: 0,
  waiting: 0,
  inHand: 0,
  currentFile: 'logs.host.log',
}
const BACKLOG: Backlog = {
  depth: 56,
  flowing: 56,
  inFlight: 0,
  isVoid: false,
  outOfReach: [],
  roundMs: 0,
  paused: [],
}

function terminal(): { output: Output; text: () => string } {
  let text = ''
  const stream = new PassThrough().on('data', (chunk: Buffer) => (text += chunk.toString()))
  const tty = Object.assign(stream, {
    isTTY: true,
    columns: 120,
    clearLine: () => true,
    cursorTo: () => true,
    moveCursor: () => true,
  })
  return { output: new Output(tty, { NO_COLOR: '1' }), text: () => text }
}

/** Also a test that fails takes it away: it would draw for ever. */
async function shown(t: TestContext, totals: Totals, output: Output): Promise<ProgressLine> {
  const line = await showProgress({ totals, look: async () => BACKLOG }, output)
  t.after(() => line.hide())
  return line
}

test('on a terminal there is a line with messages, bytes, rate, depth and file', async t => {
  const { output, text } = terminal()
  const line = await shown(t, TOTALS, output)
  await until(() => /1,200 messages, 34\.0 kB, \d+\/s, 56 left, logs\.host\.log/.test(text()), text)
  let written = 0
  line.above(() => written++)
  line.hide()
  assert.equal(written, 1)
  // oxlint-disable-next-line no-control-regex -- it is what is looked for
  assert.doesNotMatch(text(), /\u001b\[3\dm/)
})

test('at the end it says what is being waited for, and that one need not', async t => {
  const { output, text } = terminal()
  const totals = { ...TOTALS, inHand: 2, waiting: 1 }
  const line = await shown(t, totals, output)
  line.ending()
  await until(() => text().includes('completing 2 messages and 1 file; Ctrl-C again'), text)
  line.hide()
})

test('elsewhere there is nothing', async () => {
  const stream = new PassThrough()
  const line = await showProgress({ totals: TOTALS, look: async () => BACKLOG }, new Output(stream, {}))
  let written = 0
  line.above(() => written++)
  line.hide()
  assert.equal(written, 1)
  assert.equal(stream.read(), null)
})

test('the rate is that of the last two seconds', () => {
  const pace = new Pace()
  assert.equal(pace.at(0, 0), 0)
  assert.equal(pace.at(1000, 500), 500)
  for (let now = 1200; now <= 10_000; now += 200) pace.at(now, 500)
  assert.equal(pace.at(10_200, 500), 0)
  assert.equal(pace.at(10_400, 900), 200)
})
