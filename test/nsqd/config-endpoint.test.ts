import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { HttpError } from '../../src/http/error.ts'
import { type ConfigSource, getConfig, putConfig } from '../../src/nsqd/config-endpoint.ts'
import { resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'

function source(): ConfigSource {
  let addresses: readonly string[] = []
  return {
    options: resolveNsqdOptions({
      tcpAddress: '127.0.0.1:0',
      nodeId: 7,
      e2eProcessingLatencyPercentile: [0.5],
      maxMsgTimeout: 1500,
      authHttpAddress: ['https://nsqd:hush@h/auth', 'h:4180'],
    }),
    logger: new Logger({ prefix: '', level: LogLevel.info, write: () => undefined }),
    lookupPeers: {
      get addresses() {
        return addresses
      },
      setAddresses: given => {
        addresses = given
      },
    },
  }
}

function get(name: string): unknown {
  return getConfig(source(), name).body
}

describe('getConfig', () => {
  test('answers any option by its official name: durations in nanoseconds, text bare', () => {
    assert.equal(get('log_level'), '2')
    assert.equal(get('nsqlookupd_tcp_addresses'), '[]')
    assert.equal(get('max_msg_timeout'), '1500000000')
    assert.equal(get('max_msg_size'), '1048576')
    assert.equal(get('id'), '7')
    assert.equal(get('tcp_address'), '127.0.0.1:0')
    assert.equal(get('snappy'), 'true')
    assert.equal(get('e2e_processing_latency_percentiles'), '[0.5]')
    assert.equal(get('tls_cert'), '')
    assert.equal(get('auth_http_addresses'), '["https://nsqd:***@h/auth","h:4180"]')
    assert.equal(getConfig(source(), 'tcp_address').contentType, 'text/plain; charset=utf-8')
    assert.equal(getConfig(source(), 'id').contentType, 'application/json; charset=utf-8')
  })

  test('does not know others', () => {
    for (const name of ['nope', '', 'node-id', 'node_id', '__proto__', 'constructor']) {
      assert.throws(() => get(name), isRefusal(400, 'INVALID_OPTION'))
    }
  })
})

describe('putConfig', () => {
  test('changes the log level', () => {
    const daemon = source()
    assert.equal(putConfig(daemon, 'log_level', Buffer.from('debug')).body, '1')
    assert.equal(daemon.logger.level, LogLevel.debug)
    assert.throws(() => putConfig(daemon, 'log_level', Buffer.from('loud')), isRefusal(400, 'INVALID_VALUE'))
    assert.equal(daemon.logger.level, LogLevel.debug)
  })

  test('replaces the nsqlookupds', () => {
    const daemon = source()
    const reply = putConfig(daemon, 'nsqlookupd_tcp_addresses', Buffer.from('["a:1", "[::1]:2"]'))
    assert.equal(reply.body, '["a:1","[::1]:2"]')
    for (const value of ['x', '"a:1"', '{}', 'null', '[1]', '["no port"]', '["a:1", "b:99999"]']) {
      assert.throws(
        () => putConfig(daemon, 'nsqlookupd_tcp_addresses', Buffer.from(value)),
        isRefusal(400, 'INVALID_VALUE'),
      )
    }
    assert.deepEqual(daemon.lookupPeers.addresses, ['a:1', '[::1]:2'])
  })

  test('changes nothing else', () => {
    for (const name of ['nope', 'max_msg_size']) {
      assert.throws(() => putConfig(source(), name, Buffer.from('1')), isRefusal(400, 'INVALID_OPTION'))
    }
    assert.throws(() => putConfig(source(), 'log_level', Buffer.alloc(0)), isRefusal(413, 'INVALID_VALUE'))
  })
})

function isRefusal(status: number, message: string): (error: unknown) => boolean {
  return error => error instanceof HttpError && error.status === status && error.message === message
}
