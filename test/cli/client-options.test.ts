import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { consumerOptions, producerOptions } from '../../src/cli/client-options.ts'
import { UsageError } from '../../src/cli/errors.ts'

test("go-nsq's names become options of the client", () => {
  assert.deepEqual(
    consumerOptions(['client_id,me', 'heartbeat_interval,15s', 'sample_rate,20', 'user_agent=a,b']),
    {
      clientId: 'me',
      heartbeatIntervalMs: 15_000,
      sampleRate: 20,
      userAgent: 'a,b',
    },
  )
  assert.deepEqual(producerOptions(['dial_timeout,250ms', 'hostname,h']), {
    connectTimeoutMs: 250,
    hostname: 'h',
  })
  assert.deepEqual(producerOptions([]), {})
})

test('what our client decides itself, or what is off, is taken without effect', () => {
  assert.deepEqual(consumerOptions(['max_attempts,5', 'read_timeout,1m', 'tls_v1,false', 'snappy,0']), {})
})

describe('refuses', () => {
  const bad: [setting: string, message: RegExp, remedy: RegExp][] = [
    ['tls_v1', /does not support tls_v1/, /no TLS/],
    ['deflate,true', /does not support deflate/, /compression/],
    ['clinet_id,x', /no option "clinet_id"/, /Did you mean client_id\?/],
    ['quite_different,x', /no option "quite_different"/, /Known are client_id, /],
    ['sample_rate,lots', /--consumer-opt sample_rate: "lots" is not a whole number/, /^$/],
  ]
  for (const [setting, message, remedy] of bad) {
    test(setting, () => {
      assert.throws(
        () => consumerOptions([setting]),
        (error: unknown) =>
          error instanceof UsageError && message.test(error.message) && remedy.test(error.remedy ?? ''),
      )
    })
  }
})
