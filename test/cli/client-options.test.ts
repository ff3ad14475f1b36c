import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { consumerOptions, producerOptions, SETTINGS } from '../../src/cli/client-options.ts'
import { connectionOptions } from '../../src/cli/connection-options.ts'
import { UsageError } from '../../src/cli/errors.ts'
import { resolveConsumerOptions } from '../../src/client/consumer/consumer-options.ts'
import { type GivenOptions, resolveOptions } from '../../src/util/option-values.ts'

function consumer(settings: readonly string[], given: GivenOptions = {}): Promise<object> {
  return consumerOptions(resolveOptions(connectionOptions, given, {}), settings)
}

function producer(settings: readonly string[], given: GivenOptions = {}): Promise<object> {
  return producerOptions(resolveOptions(connectionOptions, given, {}), settings)
}

test("go-nsq's names become options of the client", async () => {
  assert.deepEqual(
    await consumer(['client_id,me', 'heartbeat_interval,15s', 'sample-rate,20', 'user_agent=a,b=c']),
    { clientId: 'me', heartbeatIntervalMs: 15_000, sampleRate: 20, userAgent: 'a,b=c' },
  )
  assert.deepEqual(await consumer(['max_attempts,3', 'output_buffer_size,64', 'max_backoff_duration,0']), {
    maxAttempts: 3,
    outputBufferBytes: 64,
    maxBackoffMs: 0,
  })
  assert.deepEqual(await producer(['dial_timeout,250ms', 'hostname,h']), {
    connectTimeoutMs: 250,
    hostname: 'h',
  })
  assert.deepEqual(await producer([]), {})
})

test('compression and authorization', async () => {
  assert.deepEqual(await producer(['snappy', 'auth_secret,a,b=c', 'skip_lookupd_authorization,false']), {
    snappy: true,
    authSecret: 'a,b=c',
    lookupdAuthorization: false,
  })
  assert.deepEqual(await consumer(['deflate,1', 'deflate_level,9']), { deflate: 9 })
  assert.deepEqual(await consumer(['deflate']), { deflate: true })
  assert.deepEqual(await consumer(['deflate_level,9']), {}, 'without deflate a level says nothing')
})

test('TLS', async () => {
  assert.deepEqual(await consumer(['tls_v1']), { tls: {} })
  assert.deepEqual(
    await consumer(['tls_v1,true', 'tls_insecure_skip_verify,true', 'tls_min_version,tls1.2']),
    {
      tls: { verify: false, minVersion: 'TLSv1.2' },
    },
  )
  assert.deepEqual(await consumer(['tls_v1,false', 'tls_root_ca_file,/none/such']), {})
  const file = ['tls_root_ca_file,/none/such']
  await assert.rejects(consumer(file), { code: 'E_TLS_FILE', message: /^--consumer-opt tls_root_ca_file: / })
  await assert.rejects(producer(file), { code: 'E_TLS_FILE', message: /^--producer-opt tls_root_ca_file: / })
})

test('they count more than the flags', async () => {
  assert.deepEqual(await producer(['deflate,false', 'snappy,true'], { deflate: 'true' }), { snappy: true })
  assert.deepEqual(await producer(['auth_secret,b'], { 'auth-secret': 'a' }), { authSecret: 'b' })
  assert.deepEqual(await producer(['tls_v1,false'], { tls: 'true' }), {})
})

test('what has no meaning here, or is zero for "not given", is taken without effect', async () => {
  assert.deepEqual(
    await consumer(['backoff_strategy,full_jitter', 'read_timeout,1m', 'write_timeout,1s']),
    {},
  )
  assert.deepEqual(await consumer(['tls_v1,false', 'snappy,0', 'sample_rate,0', 'msg_timeout,0s']), {})
  assert.deepEqual(
    await producer(['max_in_flight,5', 'max_attempts,0']),
    {},
    "a consumer's, given to a producer",
  )
})

describe('refuses', () => {
  const bad: [setting: string, message: string, remedy: RegExp][] = [
    ['clinet_id,x', '--consumer-opt: there is no option "clinet_id"', /Did you mean client_id\?/],
    ['quite_different,x', '--consumer-opt: there is no option "quite_different"', /Known are client_id, /],
    ['sample_rate,lots', '--consumer-opt sample_rate: "lots" is not a whole number', /^$/],
    [
      'sample_rate,100',
      '--consumer-opt sample_rate: "100" is out of range: it must be between 1 and 99',
      /^$/,
    ],
    [
      'heartbeat_interval,1ms',
      '--consumer-opt heartbeat_interval: "1ms" is out of range: it must be between 1s and 1h0m0s',
      /^$/,
    ],
    [
      'deflate_level,10',
      '--consumer-opt deflate_level: "10" is out of range: it must be between 1 and 9',
      /^$/,
    ],
    ['tls_v1,maybe', '--consumer-opt tls_v1: "maybe" is not true or false', /^$/],
    [
      'tls_min_version,2',
      '--consumer-opt tls_min_version: "2" is not one of ssl3.0, tls1.0, tls1.1, tls1.2, tls1.3',
      /^$/,
    ],
    [
      'local_addr,10.0.0.1',
      '--consumer-opt local_addr: this client cannot choose its own address',
      /Leave it out/,
    ],
    ['auth_secret', '--consumer-opt auth_secret: it needs a value, after a comma', /^$/],
    // Nothing of what may be a secret.
    ['auth_secret hunter2', '--consumer-opt must be NAME,VALUE', /^$/],
    ['auth_secret,hunter2\n', '--consumer-opt auth_secret is empty, or has a line end', /line end behind it/],
  ]
  for (const [setting, message, remedy] of bad) {
    test(setting, () =>
      assert.rejects(consumer([setting]), (error: unknown) => {
        assert.ok(error instanceof UsageError)
        assert.ok(error.message.startsWith(message), error.message)
        assert.match(error.remedy ?? '', remedy)
        return true
      }),
    )
  }

  test('for a producer, by the name of its flag', () =>
    assert.rejects(producer(['sample_rate,lots']), { message: /^--producer-opt sample_rate: "lots"/ }))
})

describe("the range is the client's own", () => {
  const subscription = { topic: 't', channel: 'c', nsqd: 'localhost' }
  for (const [name, { number }] of Object.entries(SETTINGS)) {
    if (number === undefined) continue
    test(name, () => {
      for (const value of [number.min, number.max]) {
        resolveConsumerOptions({ ...subscription, [number.name]: value })
      }
      for (const value of [number.min - 1, number.max + 1]) {
        assert.throws(() => resolveConsumerOptions({ ...subscription, [number.name]: value }), {
          code: 'E_OPTION',
          message: new RegExp(`^${number.name} `),
        })
      }
    })
  }
})
