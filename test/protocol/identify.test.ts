import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseIdentify, parseIdentifyAnswer } from '../../src/protocol/identify.ts'

const ZERO = {
  client_id: '',
  hostname: '',
  user_agent: '',
  feature_negotiation: false,
  heartbeat_interval: 0,
  output_buffer_size: 0,
  output_buffer_timeout: 0,
  tls_v1: false,
  deflate: false,
  deflate_level: 0,
  snappy: false,
  sample_rate: 0,
  msg_timeout: 0,
  topology_region: '',
  topology_zone: '',
}

function parse(json: string): unknown {
  const bytes = Buffer.from(`<${json}>`)
  return parseIdentify(bytes, 1, bytes.length - 1)
}

test('fields that are missing or null are zero, unknown ones ignored', () => {
  assert.deepEqual(parse('{}'), ZERO)
  assert.deepEqual(parse('null'), ZERO)
  assert.deepEqual(parse('{"client_id":null,"sample_rate":null,"snappy":null,"short_id":7}'), ZERO)
})

test('every field is read', () => {
  const full = {
    client_id: 'c',
    hostname: 'é',
    user_agent: 'test/1',
    feature_negotiation: true,
    heartbeat_interval: -1,
    output_buffer_size: 16_384,
    output_buffer_timeout: 250,
    tls_v1: true,
    deflate: true,
    deflate_level: 6,
    snappy: true,
    sample_rate: 99,
    msg_timeout: 1000,
    topology_region: 'r',
    topology_zone: 'z',
  }
  assert.deepEqual(parse(JSON.stringify(full)), full)
})

test('a wrong type, or no JSON object, refuses the body', () => {
  const bad = [
    'nope',
    '',
    '[]',
    '7',
    '"text"',
    '{"client_id":1}',
    '{"hostname":{}}',
    '{"snappy":"yes"}',
    '{"tls_v1":1}',
    '{"sample_rate":"5"}',
    '{"msg_timeout":1.5}',
    '{"heartbeat_interval":1e400}',
  ]
  for (const json of bad) {
    assert.throws(
      () => parse(json),
      { code: 'E_BAD_BODY', fatal: true, frameText: 'E_BAD_BODY IDENTIFY failed to decode JSON body' },
      json,
    )
  }
})

test('an answer is read as far as it goes', () => {
  const plain = {
    max_rdy_count: 2500,
    msg_timeout: 60_000,
    max_msg_timeout: 900_000,
    tls_v1: false,
    snappy: false,
    deflate: false,
    auth_required: false,
  }
  assert.deepEqual(parseIdentifyAnswer('OK'), plain)
  assert.deepEqual(parseIdentifyAnswer('{"max_rdy_count":"7","tls_v1":1,"snappy":"true"}'), plain)
  const full = {
    max_rdy_count: 7,
    msg_timeout: 1,
    max_msg_timeout: 2,
    tls_v1: true,
    snappy: true,
    deflate: true,
    auth_required: true,
  }
  assert.deepEqual(parseIdentifyAnswer(JSON.stringify({ ...full, version: '1.3.0' })), full)
  for (const number of ['-1', '0.5', '1e400', '9007199254740993']) {
    const answer = `{"max_rdy_count":${number},"msg_timeout":${number},"max_msg_timeout":${number}}`
    assert.deepEqual(parseIdentifyAnswer(answer), plain, answer)
  }
  assert.deepEqual(parseIdentifyAnswer('{"msg_timeout":0,"max_msg_timeout":0}'), plain)
  for (const text of ['ok', '', '3', '[]', '"OK"']) {
    assert.throws(() => parseIdentifyAnswer(text), { code: 'E_BAD_BODY' }, text)
  }
})
