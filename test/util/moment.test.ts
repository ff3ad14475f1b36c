import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { formatMoment, parseMoment } from '../../src/util/moment.ts'

const NOW = Date.parse('2026-07-15T12:00:00.500Z')
const zone = process.env['TZ']

/** In a zone that is not UTC. */
describe('moments', () => {
  before(() => (process.env['TZ'] = 'Europe/Berlin'))
  after(() => {
    if (zone === undefined) delete process.env['TZ']
    else process.env['TZ'] = zone
  })

  const moments: [text: string, iso: string][] = [
    ['now', '2026-07-15T12:00:00.500Z'],
    ['0', '2026-07-15T12:00:00.500Z'],
    ['1h', '2026-07-15T11:00:00.500Z'],
    ['1h ago', '2026-07-15T11:00:00.500Z'],
    [' -90m ', '2026-07-15T10:30:00.500Z'],
    ['1d', '2026-07-14T12:00:00.500Z'],
    ['1.5d', '2026-07-14T00:00:00.500Z'],
    ['7d12h ago', '2026-07-08T00:00:00.500Z'],
    ['100µs', '2026-07-15T12:00:00.499Z'],
    ['2026-07-14', '2026-07-13T22:00:00.000Z'],
    ['2026-01-02', '2026-01-01T23:00:00.000Z'],
    ['2026-01-02 15:04', '2026-01-02T14:04:00.000Z'],
    ['2026-01-02T15:04:05.1239', '2026-01-02T14:04:05.123Z'],
    ['2026-01-02T15:04Z', '2026-01-02T15:04:00.000Z'],
    ['2026-01-02t15:04:05z', '2026-01-02T15:04:05.000Z'],
    ['2026-01-02T15:04:05.000000007+05:30', '2026-01-02T09:34:05.000Z'],
    ['2024-02-29', '2024-02-28T23:00:00.000Z'],
  ]
  for (const [text, iso] of moments) {
    test(`"${text}"`, () => assert.equal(new Date(parseMoment(text, NOW)).toISOString(), iso))
  }

  for (const text of [
    '',
    ' ',
    'ago',
    '1',
    '1x',
    '1h-2m',
    '--1h',
    'd',
    'yesterday',
    '15:04',
    '2026-02-30',
    '2026-13-01',
    '2026-01-02T25:00',
    '2026-01-02T',
    '2026-01-02T15',
    '2026-01-02T15:04:05+1',
    '2026-01-02Z',
    '1800-01-01',
    '1h99999999999999999999999m',
    '1000000000d',
  ]) {
    test(`not "${text}"`, () =>
      assert.throws(
        () => parseMoment(text, NOW),
        (error: unknown) =>
          error instanceof RangeError && error.message.startsWith(`"${text}" is not a time: write it like`),
      ))
  }

  test('are written with their zone, and read back', () => {
    assert.equal(formatMoment(NOW), '2026-07-15T14:00:00.500+02:00')
    assert.equal(formatMoment(Date.parse('2026-01-02T15:04:05Z')), '2026-01-02T16:04:05+01:00')
    process.env['TZ'] = 'America/St_Johns'
    assert.equal(formatMoment(NOW), '2026-07-15T09:30:00.500-02:30')
    process.env['TZ'] = 'UTC'
    assert.equal(formatMoment(NOW), '2026-07-15T12:00:00.500Z')
    process.env['TZ'] = 'Europe/Berlin'
    assert.equal(parseMoment(formatMoment(NOW), 0), NOW)
  })
})
