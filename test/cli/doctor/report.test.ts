import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { printFindings } from '../../../src/cli/doctor/report.ts'
import type { Finding } from '../../../src/cli/doctor/finding.ts'
import { fakeTerminal } from '../admin/rig.ts'
import { runDoctor, startCluster } from './rig.ts'

const LOCALE = { LANG: 'C.UTF-8' }

const findings: Finding[] = [
  { check: 'version', target: 'nsqd web-10:4151', status: 'ok', message: 'nsqd 1.3.0' },
  {
    check: 'dns',
    target: 'nsqd web-9:4151',
    status: 'fail',
    message: 'no such\u001b[31m name',
    remedy: 'Look.',
  },
  { check: 'http', target: 'nsqd web-9:4151', status: 'skip', message: 'not known' },
  { check: 'http', target: 'nsqd web-10:4151', status: 'ok', message: 'it answers' },
  { check: 'clock', target: 'cluster', status: 'warn', message: 'late', remedy: 'Hurry. '.repeat(20).trim() },
  { check: 'node', target: 'this machine', status: 'ok', message: 'Node v22' },
]

describe('the report of doctor', () => {
  test('is by target, with what to do', async () => {
    const terminal = fakeTerminal(60)
    await printFindings({ stdout: terminal.stdout, env: LOCALE }, findings)
    assert.deepEqual(terminal.out().split('\n'), [
      '✔ this machine',
      '  ✔ Node v22',
      '✖ nsqd web-9:4151',
      '  ✖ dns: no such\\x1b[31m name',
      '    Look.',
      '  - not known',
      '✔ nsqd web-10:4151  nsqd 1.3.0',
      '  ✔ version, http',
      '! cluster',
      '  ! clock: late',
      `    ${'Hurry. '.repeat(7).trim()}`,
      `    ${'Hurry. '.repeat(7).trim()}`,
      `    ${'Hurry. '.repeat(6).trim()}`,
      '1 problem and 1 warning.',
      '',
    ])
  })

  test('fits a narrow terminal', async () => {
    const terminal = fakeTerminal(30)
    await printFindings({ stdout: terminal.stdout, env: LOCALE }, findings)
    for (const line of terminal.out().split('\n')) assert.ok(line.length <= 30, line)
  })

  test('has plain marks where the locale has no others', async () => {
    const terminal = fakeTerminal()
    await printFindings({ stdout: terminal.stdout, env: {} }, findings.slice(0, 2))
    assert.match(terminal.out(), /^x nsqd web-9:4151$[^]*^\+ nsqd web-10:4151/m)
  })

  test('says that nothing is wrong', async t => {
    const { nsqds } = await startCluster(t, { nsqds: 1, lookupds: 0 })
    const terminal = fakeTerminal()
    const code = await runDoctor(['--nsqd-http-address', nsqds[0]?.http ?? ''], terminal)
    assert.equal(code, 0)
    assert.match(terminal.out(), /^. nsqd 127\.0\.0\.1:\d+ {2}nsqd of nsq-ts /m)
    assert.match(terminal.out(), /(Nothing is wrong|\d warnings?)\.\n$/)
  })

  test('ends when it is stopped', async () => {
    const terminal = fakeTerminal()
    // An address that swallows everything, in most networks.
    const running = runDoctor(['--nsqd-tcp-address', '192.0.2.1:4150', '--timeout', '1h'], terminal)
    terminal.stop.abort('SIGINT')
    assert.equal(await running, 1)
    assert.match(terminal.err(), /stopped/)
  })
})
