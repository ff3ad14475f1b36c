import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { option } from '../../src/util/option.ts'
import { camelCase, envName, OptionError, resolveOptions } from '../../src/util/option-values.ts'

const table = {
  'tcp-address': option.address('address to listen on', '0.0.0.0:4150'),
  'broadcast-address': option.string('address told to others'),
  'max-msg-size': option.int('largest message', 1024, { min: 1, max: 4096 }),
  sample: option.float('part of the messages', 1, { min: 0, max: 1 }),
  'msg-timeout': option.duration('time to finish', 60_000, { min: 1 }),
  snappy: option.bool('compression', true),
  verbose: option.bool('say more'),
  to: option.choice('which nsqds', ['any', 'all'], 'all'),
  'lookupd-tcp-address': option.addresses('lookupds', {
    config: 'nsqlookupd_tcp_addresses',
    defaultPort: 4160,
  }),
  'nsqd-tcp-address': option.endpoints('nsqds', { defaultPort: 4150 }),
  header: option.strings('headers'),
  topic: option.strings('topics', { commas: true }),
  percentile: option.floats('percentiles', { min: 0, max: 1 }),
  version: option.bool('print the version', false, { flagOnly: true }),
}

describe('resolveOptions', () => {
  test('gives the defaults, typed by the table', () => {
    const values = resolveOptions(table, {}, {})
    // Each annotation fails to compile when inference goes wrong.
    const address: string = values.tcpAddress
    const broadcast: string | undefined = values.broadcastAddress
    const to: 'any' | 'all' = values.to
    const topics: readonly string[] = values.topic
    const timeout: number = values.msgTimeout
    assert.deepEqual(
      [address, broadcast, to, topics, timeout],
      ['0.0.0.0:4150', undefined, 'all', [], 60_000],
    )
    assert.equal(values.snappy, true)
    assert.equal(values.verbose, false)
  })

  test('takes a flag before the environment, the environment before the config, the config before the default', () => {
    const env = { NSQ_MAX_MSG_SIZE: '2' }
    const config = { max_msg_size: 3 }
    assert.equal(resolveOptions(table, { 'max-msg-size': '1' }, env, config).maxMsgSize, 1)
    assert.equal(resolveOptions(table, {}, env, config).maxMsgSize, 2)
    assert.equal(resolveOptions(table, {}, {}, config).maxMsgSize, 3)
    assert.equal(resolveOptions(table, {}, { NSQ_MAX_MSG_SIZE: '' }).maxMsgSize, 1024)
  })

  test('parses each kind', () => {
    const values = resolveOptions(
      table,
      {
        'max-msg-size': '0x10',
        sample: '.5',
        'msg-timeout': '1m30s',
        snappy: 'false',
        verbose: true,
        to: 'ANY',
        'lookupd-tcp-address': ['a:1,b', 'c:3'],
        'nsqd-tcp-address': '/run/nsqd.sock,b,./c.sock',
        header: ['A: 1, 2', 'B: 3'],
        topic: ['a, b', 'c'],
        percentile: '0.5,0.99',
      },
      {},
    )
    assert.equal(values.maxMsgSize, 16)
    assert.equal(values.sample, 0.5)
    assert.equal(values.msgTimeout, 90_000)
    assert.equal(values.snappy, false)
    assert.equal(values.verbose, true)
    assert.equal(values.to, 'any')
    assert.deepEqual(values.lookupdTcpAddress, ['a:1', 'b:4160', 'c:3'])
    assert.deepEqual(values.nsqdTcpAddress, ['/run/nsqd.sock', 'b:4150', './c.sock'])
    assert.deepEqual(values.header, ['A: 1, 2', 'B: 3'])
    assert.deepEqual(values.topic, ['a', 'b', 'c'])
    assert.deepEqual(values.percentile, [0.5, 0.99])
  })

  test('counts the last of a flag given twice', () => {
    assert.equal(resolveOptions(table, { 'max-msg-size': ['1', '2'] }, {}).maxMsgSize, 2)
  })

  test('reads TOML values: keys of their own, lists, and bare numbers as milliseconds', () => {
    const config = { nsqlookupd_tcp_addresses: ['a:1', 'b:2'], msg_timeout: 250, verbose: true, sample: 0.25 }
    const values = resolveOptions(table, {}, {}, config)
    assert.deepEqual(values.lookupdTcpAddress, ['a:1', 'b:2'])
    assert.equal(values.msgTimeout, 250)
    assert.equal(values.verbose, true)
    assert.equal(values.sample, 0.25)
  })

  test('splits a variable at its commas only where the flag is split too', () => {
    const lists = { split: option.strings('…', { commas: true }), whole: option.strings('…') }
    const values = resolveOptions(lists, {}, { NSQ_SPLIT: 'a, b', NSQ_WHOLE: 'client_id,me' })
    assert.deepEqual(values, { split: ['a', 'b'], whole: ['client_id,me'] })
  })

  test('reads an option marked flagOnly from the flag alone', () => {
    assert.equal(resolveOptions(table, {}, { NSQ_VERSION: '1.3.0' }, { version: true }).version, false)
    assert.equal(resolveOptions(table, { version: true }, {}).version, true)
  })

  const bad: [flag: string, value: string, message: RegExp][] = [
    ['max-msg-size', 'many', /^--max-msg-size: "many" is not a whole number$/],
    ['max-msg-size', '1.5', /^--max-msg-size: "1.5" is not a whole number$/],
    ['max-msg-size', '0', /^--max-msg-size: "0" is out of range: it must be between 1 and 4096$/],
    ['sample', '1.1', /^--sample: "1.1" is out of range/],
    ['msg-timeout', '5 parsecs', /^--msg-timeout: .*5 parsecs/],
    ['msg-timeout', '0', /^--msg-timeout: "0" is out of range: it must be at least 1ms$/],
    ['snappy', 'maybe', /^--snappy: "maybe" is not true or false$/],
    ['to', 'some', /^--to: "some" is not one of any, all$/],
    ['tcp-address', 'localhost', /^--tcp-address: .*localhost/],
  ]
  for (const [flag, value, message] of bad) {
    test(`refuses --${flag} ${value}`, () => {
      assert.throws(
        () => resolveOptions(table, { [flag]: value }, {}),
        (error: unknown) =>
          error instanceof OptionError && error.flag === flag && message.test(error.message),
      )
    })
  }

  test('names a flag of one letter with one dash', () => {
    assert.throws(
      () => resolveOptions({ n: option.int('…', 0) }, { n: 'x' }, {}),
      /^OptionError: -n: "x" is not a whole number$/,
    )
  })

  test('names the variable or the TOML key that is at fault', () => {
    assert.throws(
      () => resolveOptions(table, {}, { NSQ_SAMPLE: 'x' }),
      /^OptionError: NSQ_SAMPLE: "x" is not/,
    )
    assert.throws(
      () => resolveOptions(table, {}, {}, { sample: 'x' }),
      /^OptionError: sample \(config\): "x"/,
    )
    assert.throws(() => resolveOptions(table, {}, {}, { sample: {} }), /expected a float, got object/)
  })
})

test('names', () => {
  assert.equal(envName('tcp-address'), 'NSQ_TCP_ADDRESS')
  assert.equal(camelCase('e2e-processing-latency-window-time'), 'e2eProcessingLatencyWindowTime')
})
