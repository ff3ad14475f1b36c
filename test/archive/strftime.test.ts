import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { describe, test, type TestContext } from 'node:test'
import { compileStrftime } from '../../src/archive/strftime.ts'

const MS = Date.UTC(2026, 0, 2, 15, 4, 5, 67)

function at(format: string, ...date: Parameters<typeof Date.UTC>): string {
  return compileStrftime(format, 'utc')(Date.UTC(...date))
}

function bad(format: string): unknown {
  return compileStrftime(format, 'utc')
}

function inZone(t: TestContext, zone: string): void {
  const before = process.env['TZ']
  process.env['TZ'] = zone
  t.after(() => {
    if (before === undefined) delete process.env['TZ']
    else process.env['TZ'] = before
  })
}

describe('strftime', () => {
  const cases: [format: string, text: string][] = [
    ['%Y-%m-%d_%H', '2026-01-02_15'],
    ['%F %T', '2026-01-02 15:04:05'],
    ['%a %A %b %B', 'Fri Friday Jan January'],
    ['%d|%e|%j|%y', '02| 2|002|26'],
    ['%H|%I|%k|%l|%p', '15|03|15| 3|PM'],
    ['%M:%S.%L %f', '04:05.067 067000'],
    ['%s %u %w', '1767366245 5 5'],
    ['%z %Z', '+0000 UTC'],
    ['100%% %%Y', '100% %Y'],
    ['plain', 'plain'],
    ['', ''],
  ]
  for (const [format, text] of cases) {
    test(format, () => assert.equal(compileStrftime(format, 'utc')(MS), text))
  }

  test('around the year', () => {
    assert.equal(at('%j', 2024, 11, 31), '366')
    assert.equal(at('%I %p', 2026, 0, 1, 0), '12 AM')
    assert.equal(at('%I %p', 2026, 0, 1, 12), '12 PM')
    assert.equal(at('%u %w', 2026, 0, 4), '7 0')
  })

  test('local time, with its offset', t => {
    inZone(t, 'America/St_Johns')
    assert.equal(compileStrftime('%F %T %z', 'local')(MS), '2026-01-02 11:34:05 -0330')
    inZone(t, 'Asia/Kolkata')
    assert.equal(compileStrftime('%F %T %z', 'local')(MS), '2026-01-02 20:34:05 +0530')
    assert.equal(compileStrftime('%F %T %z', 'utc')(MS), '2026-01-02 15:04:05 +0000')
    inZone(t, 'America/New_York')
    assert.equal(compileStrftime('%Z', 'local')(MS), 'EST')
  })

  test('what is no specifier', () => {
    assert.throws(() => bad('%Y-%Q'), /^RangeError: "%Q" is not known: use %% %a /)
    assert.throws(() => bad('%😀'), /"%😀" is not known/)
    assert.throws(() => bad('%\n'), /is not known/)
    assert.throws(() => bad('%Y%'), /^RangeError: "%Y%" ends with a single %: write %%/)
    assert.throws(() => bad('%%%'), /ends with a single %/)
    assert.throws(() => bad('%constructor'), /"%c" is not known/)
  })
})

describe('strftime says what the date of the system says', () => {
  const format = '%a|%A|%b|%B|%d|%e|%F|%H|%I|%j|%k|%l|%m|%M|%p|%s|%S|%T|%u|%w|%y|%Y|%z|%%'
  const seconds = Array.from({ length: 60 }, (_, i) => Math.floor((i * 0.618_034 * 2 ** 31) % 2 ** 31))
  const isGnu = String(spawnSync('date', ['--version']).stdout).includes('GNU')
  for (const zone of ['UTC', 'Europe/Berlin', 'America/St_Johns', 'Pacific/Chatham']) {
    test(zone, { skip: !isGnu }, t => {
      inZone(t, zone)
      const input = seconds.map(each => `@${each}`).join('\n')
      const env = { ...process.env, LC_ALL: 'C', TZ: zone }
      const { stdout } = spawnSync('date', ['-f', '-', `+${format}`], { input, env })
      const ours = seconds.map(each => compileStrftime(format, 'local')(each * 1000))
      assert.deepEqual(ours, stdout.toString().trimEnd().split('\n'))
    })
  }
})
