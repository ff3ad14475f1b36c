import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { Complaints } from '../../src/util/complaints.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'

interface SetUp {
  readonly complaints: Complaints
  /** The lines without their times; emptied as they are taken. */
  readonly lines: () => string[]
  /** Lets so much time pass, in ms. */
  readonly pass: (ms: number) => void
}

function setUp(t: TestContext, level: number = LogLevel.info): SetUp {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  let now = 1000
  t.mock.method(performance, 'now', () => now)
  const log: string[] = []
  const logger = new Logger({ prefix: '', level, write: line => void log.push(line) })
  return {
    complaints: new Complaints(logger),
    lines: () => log.splice(0).map(line => line.replace(/^\S+ \S+ /, '').trim()),
    pass: ms => {
      now += ms
      t.mock.timers.tick(ms)
    },
  }
}

test('a few complaints are written as they come, and then how many more there are', t => {
  const { complaints, lines, pass } = setUp(t)
  for (let i = 0; i < 10; i++) complaints.error('E_BAD', `client ${i}`)
  assert.deepEqual(
    lines(),
    Array.from({ length: 10 }, (_, i) => `ERROR: client ${i}`),
  )
  for (let i = 0; i < 1000; i++) complaints.error('E_BAD', 'one more')
  assert.deepEqual(lines(), ['WARNING: E_BAD: 1 line more of this kind left out'])
  pass(60_000)
  assert.deepEqual(lines(), ['WARNING: E_BAD: 999 lines more of this kind left out'])
  complaints.warn('E_BAD', 'again')
  complaints.info('E_BAD', 'and again')
  assert.deepEqual(lines(), ['WARNING: again', 'INFO: and again'])
})

test('complaints of one kind take nothing from those of another', t => {
  const { complaints, lines } = setUp(t)
  for (let i = 0; i < 20; i++) complaints.warn('E_BAD', 'bad')
  lines()
  complaints.warn('E_OTHER', 'other')
  assert.deepEqual(lines(), ['WARNING: other'])
})

test('who wants to see everything sees all complaints', t => {
  const { complaints, lines } = setUp(t, LogLevel.debug)
  for (let i = 0; i < 12; i++) complaints.warn('E_BAD', `${i}`)
  assert.deepEqual(lines().slice(-3), [
    'WARNING: E_BAD: 1 line more of this kind left out',
    'DEBUG: 10',
    'DEBUG: 11',
  ])
})
