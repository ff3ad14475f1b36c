import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { FileNames, type FileNameOptions, hostIdentifier, revise } from '../../src/archive/file-name.ts'

process.env['TZ'] = 'America/New_York'

const OFFICIAL = '<TOPIC>.<HOST><REV>.<DATETIME>.log'
/** Ten in the morning in New York. */
const MS = Date.UTC(2026, 0, 2, 15, 4, 5)
const HOUR = 3_600_000

function names(options: Partial<FileNameOptions> = {}): FileNames {
  return new FileNames({
    format: OFFICIAL,
    datetimeFormat: '%Y-%m-%d_%H',
    topic: 'logs',
    host: 'web1',
    pid: 42,
    usesRevision: options.format?.includes('<REV>') ?? true,
    extension: '',
    ...options,
  })
}

describe('FileNames', () => {
  test('the official format: local time, and a revision where there can be one', () => {
    assert.equal(names().template(MS, 0), 'logs.web1<REV>.2026-01-02_10.log')
    assert.equal(names({ usesRevision: false }).template(MS, 0), 'logs.web1.2026-01-02_10.log')
    assert.equal(revise(names().template(MS, 0), '-000007'), 'logs.web1-000007.2026-01-02_10.log')
    assert.equal(names().isPartitioned, false)
  })

  test('an extension, unless it is there', () => {
    assert.equal(names({ extension: '.gz' }).template(MS, 0), 'logs.web1<REV>.2026-01-02_10.log.gz')
    assert.equal(names({ format: 'a<REV>.gz', extension: '.gz' }).template(MS, 0), 'a<REV>.gz')
    assert.equal(names({ format: 'a<REV>.gz', extension: '.zst' }).template(MS, 0), 'a<REV>.gz.zst')
  })

  test('every placeholder, any number of times', () => {
    const format = '<PID>/<TOPIC>/<TOPIC>-<HOST>.<DATETIME>'
    assert.equal(names({ format, datetimeFormat: '%F' }).template(MS, 0), '42/logs/logs-web1.2026-01-02')
    assert.equal(names({ format: 'a<DATETIME>' }).template(MS, 0), 'a2026-01-02_10')
  })

  test('partitions, by the time of the message in UTC', () => {
    const made = names({ format: 'dt=%Y-%m-%d/hour=%H/<TOPIC>.<DATETIME>' })
    assert.equal(made.isPartitioned, true)
    assert.equal(made.template(MS, 0), 'dt=1970-01-01/hour=00/logs.2026-01-02_10')
    assert.equal(made.template(MS, MS), 'dt=2026-01-02/hour=15/logs.2026-01-02_10')
  })

  test('percent signs', () => {
    const made = names({ format: '100%%-%%Y-<TOPIC>' })
    assert.equal(made.template(MS, 0), '100%-%Y-logs')
    assert.equal(made.isPartitioned, false)
    assert.equal(names({ format: '%%%H', host: '50%' }).template(MS, MS), '%15')
    assert.equal(names({ format: '<HOST>', host: '50%Y' }).template(MS, MS), '50%Y')
  })

  test('a name of today is not one of tomorrow', () => {
    const made = names()
    const all = [0, 1, 999, 1000, HOUR, 24 * HOUR].map(later => made.template(MS + later, 0))
    assert.deepEqual(
      all.map(name => name.slice('logs.web1<REV>.2026-01-'.length)),
      ['02_10.log', '02_10.log', '02_10.log', '02_10.log', '02_11.log', '03_10.log'],
    )
  })

  test('the same text for the same second, so that it is found quickly', () => {
    const made = names({ format: '<DATETIME>/%H' })
    const first = made.template(MS, MS)
    made.template(MS, MS + HOUR)
    assert.equal(made.template(MS + 1, MS + 1), first)
  })

  const periods: [format: string, step: number][] = [
    ['%Y', 24 * HOUR],
    ['%j', 24 * HOUR],
    ['%H', HOUR],
    ['%I', HOUR],
    ['%p', HOUR],
    ['%M', 60_000],
    ['%S', 1000],
    ['%s', 1000],
    ['%L', 1],
    ['%H%L', 1],
    ['%Y/<TOPIC>/%M', 60_000],
  ]
  for (const [format, step] of periods) {
    test(`${format} of messages in any order`, () => {
      const made = names({ format })
      for (let i = 0; i < 3000; i++) {
        const ms = MS + Math.floor(((i * 7919) % 2000) * step * 0.37)
        assert.equal(made.template(MS, ms), names({ format }).template(0, ms))
      }
    })
  }

  test('milliseconds in <DATETIME>', () => {
    const made = names({ format: '<DATETIME>', datetimeFormat: '%L' })
    assert.deepEqual([made.template(MS + 1, 0), made.template(MS + 2, 0)], ['001', '002'])
  })

  test('leaves out empty folders', () => {
    assert.equal(names({ format: '/a//b' }).template(MS, 0), 'a/b')
  })
})

describe('FileNames refuses', () => {
  const bad: [options: Partial<FileNameOptions>, message: RegExp][] = [
    [{ format: '<TOPIC>', usesRevision: true }, /"<TOPIC>" has no <REV>/],
    [{ format: '%Q' }, /"%Q" is not known/],
    [{ format: 'a%' }, /ends with a single %/],
    [{ datetimeFormat: '%Q' }, /"%Q" is not known/],
    [{ format: '' }, /names no file/],
    [{ format: 'a/' }, /"a\/" names no file/],
    [{ format: '<REV>', usesRevision: false }, /names no file/],
    [{ format: '../a' }, /may not have a folder or file named ".."/],
    [{ format: 'a/./b' }, /named "."/],
    [{ format: '<TOPIC>/a', topic: '..' }, /named ".."/],
    [{ format: '<TOPIC>/a', topic: '.nsq-ts' }, /named ".nsq-ts"/],
    [{ format: '<HOST>/a', host: 'x/../..' }, /named ".."/],
    [{ format: 'a\0b' }, /NUL/],
    [{ format: '<TOPIC>.<DATE>.log' }, /^"<DATE>" is not known: use <TOPIC> <HOST> <PID> <DATETIME> <REV>$/],
    [{ format: 'n'.repeat(256) }, /has 256 bytes, and the name of a file at most 255/],
    [{ format: '<TOPIC>.manifest.jsonl' }, /ends with .manifest.jsonl, as manifests do/],
    [{ format: '<topic>.log' }, /^"<topic>" is not known/],
  ]
  for (const [options, message] of bad) {
    test(JSON.stringify(options), () => {
      assert.throws(
        () => names(options),
        (error: unknown) => error instanceof RangeError && message.test(error.message),
      )
    })
  }
})

describe('the key of FileNames', () => {
  test('is that of the names, whatever the process', () => {
    assert.match(names().key, /^[0-9a-f]{16}$/)
    assert.equal(names().key, names({ pid: 43 }).key)
    assert.equal(names({ format: 'logs.<HOST><REV>' }).key, names({ format: '<TOPIC>.web1<REV>' }).key)
  })

  test('is another for other names', () => {
    const keys = [
      names(),
      names({ topic: 'other' }),
      names({ host: 'web2' }),
      names({ extension: '.gz' }),
      names({ format: `<PID>/${OFFICIAL}` }),
      names({ format: `<PID>/${OFFICIAL}`, pid: 43 }),
      names({ format: `%Y/${OFFICIAL}` }),
    ].map(({ key }) => key)
    assert.equal(new Set(keys).size, keys.length)
  })
})

test('hostIdentifier', () => {
  assert.equal(hostIdentifier(undefined, 'web1.example.com'), 'web1')
  assert.equal(hostIdentifier('', 'web1'), 'web1')
  assert.equal(hostIdentifier('me', 'web1.example.com'), 'me')
  assert.equal(hostIdentifier('<SHORT_HOST>-<HOSTNAME>-x', 'web1.example.com'), 'web1-web1.example.com-x')
  assert.throws(() => hostIdentifier('<HOST>', 'web1'), {
    name: 'RangeError',
    message: '"<HOST>" is not known: use <SHORT_HOST> <HOSTNAME>',
  })
})
