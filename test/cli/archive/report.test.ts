import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { SealedPart } from '../../../src/archive/destination.ts'
import { Report } from '../../../src/cli/archive/report.ts'
import { Unfinished } from '../../../src/cli/archive/unfinished.ts'
import { NsqError } from '../../../src/util/errors.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'

const PART: SealedPart = {
  path: '/spool/t.log',
  name: 't.log',
  template: 't.log',
  topic: 't',
  channel: 'c',
  framing: 'lines',
  compression: 'none',
  records: 2,
  bytes: 1500,
  sha256: undefined,
  from: undefined,
  to: undefined,
  recovered: false,
}

function setUp(level: number): { report: Report; unfinished: Unfinished; lines: string[] } {
  const lines: string[] = []
  const write = (line: string): void => void lines.push(line.replace(/^\S+ \S+ /, '').trimEnd())
  const unfinished = new Unfinished()
  const log = new Logger({ prefix: '', level, write })
  return { report: new Report(log, unfinished, 's3', new AbortController().signal), unfinished, lines }
}

test('tells of files at level info', () => {
  const { report, lines } = setUp(LogLevel.info)
  report.opened('/a', false)
  report.opened('/b', true)
  report.delivered(PART, { name: 't.log', location: 's3://bucket/t.log' })
  report.recovered('/c', 'sealed', 12)
  report.recovered('/d', 'removed', 0)
  assert.deepEqual(lines, [
    'INFO: opened /a',
    'INFO: continuing /b',
    'INFO: uploaded to s3://bucket/t.log: 2 messages, 1.5 kB',
    'INFO: /c, left by a run that died, is whole, and goes to the output; 12 B that were not whole are cut off',
    'INFO: /d, left by a run that died, had nothing in it that nsqd does not still have, and is removed',
  ])
})

test('says nothing of that to cron, but what is wrong, and not too often', () => {
  const { report, lines } = setUp(LogLevel.warning)
  report.opened('/a', false)
  const full = new NsqError('E_ARCHIVE_WRITE', 'no space left')
  report.givenBack(3, full)
  report.givenBack(4, full)
  report.warned(new NsqError('E_S3', 'S3 is away', { remedy: 'Wait.' }))
  assert.deepEqual(lines, [
    'WARNING: 3 messages went back to nsqd: no space left',
    'WARNING: S3 is away (Wait.)',
  ])
})

test('what a consumer complains of counts from the first connection on; a FIN that came too late always', () => {
  const { report, unfinished, lines } = setUp(LogLevel.warning)
  const lost = new NsqError('E_DISCONNECTED', 'nsqd has gone')
  report.failed(lost)
  report.failed(new NsqError('E_FIN_FAILED', 'nsqd a:1: E_FIN_FAILED FIN 0123456789abcdef failed'))
  report.begin()
  report.failed(lost)
  report.failed(lost)
  assert.deepEqual(lines, ['WARNING: nsqd has gone; trying again'])
  assert.equal(unfinished.count, 1)
})
