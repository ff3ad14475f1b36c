import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { defaultSettings, type Grant, negotiate } from '../../src/nsqd/identify.ts'
import { resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { ProtocolError } from '../../src/protocol/errors.ts'
import { type IdentifyRequest, parseIdentify } from '../../src/protocol/identify.ts'
import { version } from '../../src/util/version.ts'

const options = resolveNsqdOptions()
const fresh = defaultSettings(options, '10.0.0.1')
const nothing = { tls: false, snappy: false, deflate: false, auth: false }
const everything = { tls: true, snappy: true, deflate: true, auth: true }

function request(fields: Partial<IdentifyRequest>): IdentifyRequest {
  const bytes = Buffer.from(JSON.stringify(fields))
  return parseIdentify(bytes, 0, bytes.length)
}

/** The level in the answer, the highest allowed, and the one that is used. */
function levels(maxDeflateLevel: number, asked: Partial<IdentifyRequest>): unknown[] {
  const limited = resolveNsqdOptions({ maxDeflateLevel })
  const { response, grant } = negotiate(
    request({ feature_negotiation: true, ...asked }),
    limited,
    fresh,
    everything,
  )
  return [response?.deflate_level, response?.max_deflate_level, grant.deflateLevel]
}

describe('negotiate', () => {
  test('answers the defaults to a client that asks for nothing', () => {
    const { settings, response } = negotiate(
      request({ client_id: 'c', hostname: 'h', user_agent: 'test/1', feature_negotiation: true }),
      options,
      fresh,
      nothing,
    )
    assert.deepEqual(response, {
      max_rdy_count: 2500,
      version,
      max_msg_timeout: 900_000,
      msg_timeout: 60_000,
      tls_v1: false,
      deflate: false,
      deflate_level: 6,
      max_deflate_level: 6,
      snappy: false,
      sample_rate: 0,
      auth_required: false,
      output_buffer_size: 16_384,
      output_buffer_timeout: 250,
      topology_region: '',
      topology_zone: '',
    })
    assert.deepEqual(settings, { ...fresh, clientId: 'c', hostname: 'h', userAgent: 'test/1' })
  })

  test('answers a plain OK without feature negotiation, and still applies what was asked', () => {
    const { settings, response } = negotiate(request({ msg_timeout: 2000 }), options, fresh, nothing)
    assert.equal(response, undefined)
    assert.equal(settings.msgTimeout, 2000)
  })

  test('takes what is in range', () => {
    const asked = {
      feature_negotiation: true,
      heartbeat_interval: 1000,
      output_buffer_size: 64,
      output_buffer_timeout: 25,
      sample_rate: 99,
      msg_timeout: 900_000,
      topology_zone: 'z',
      topology_region: 'r',
    }
    const { settings, response } = negotiate(request(asked), options, fresh, nothing)
    assert.deepEqual(settings, {
      clientId: '',
      hostname: '',
      userAgent: '',
      heartbeatInterval: 1000,
      outputBufferSize: 64,
      outputBufferTimeout: 25,
      sampleRate: 99,
      msgTimeout: 900_000,
      topologyRegion: 'r',
      topologyZone: 'z',
    })
    assert.equal(response?.output_buffer_size, 64)
    assert.equal(response?.output_buffer_timeout, 25)
    assert.equal(response?.sample_rate, 99)
    assert.equal(response?.msg_timeout, 900_000)
  })

  test('turns off with -1', () => {
    const { settings } = negotiate(
      request({ heartbeat_interval: -1, output_buffer_timeout: -1 }),
      options,
      fresh,
      nothing,
    )
    assert.equal(settings.heartbeatInterval, 0)
    assert.equal(settings.outputBufferTimeout, 0)
    assert.equal(settings.outputBufferSize, 16_384)
  })

  test('holds nothing back when there is no buffer', () => {
    const { settings } = negotiate(
      request({ output_buffer_size: -1, output_buffer_timeout: 100 }),
      options,
      fresh,
      nothing,
    )
    assert.equal(settings.outputBufferSize, 1)
    assert.equal(settings.outputBufferTimeout, 0)
  })

  test('leaves alone what a second IDENTIFY does not name', () => {
    const { settings: first } = negotiate(
      request({ msg_timeout: 5000, heartbeat_interval: 2000 }),
      options,
      fresh,
      nothing,
    )
    const { settings: second } = negotiate(request({}), options, first, nothing)
    assert.equal(second.msgTimeout, 5000)
    assert.equal(second.heartbeatInterval, 2000)
  })

  test('goes on without what it cannot do or its flags do not allow', () => {
    for (const [flags, offer] of [
      [options, nothing],
      [resolveNsqdOptions({ deflate: false, snappy: false }), { ...everything, tls: false }],
    ] as const) {
      for (const compression of [{ deflate: true, deflate_level: 3 }, { snappy: true }]) {
        const asked = { feature_negotiation: true, tls_v1: true, ...compression }
        const { response, grant } = negotiate(request(asked), flags, fresh, offer)
        assert.deepEqual([response?.tls_v1, response?.deflate, response?.snappy], [false, false, false])
        assert.deepEqual(grant, { tls: false, snappy: false, deflateLevel: 0 })
      }
    }
  })

  test('grants what is asked for, and nothing else', () => {
    const cases: [asked: Partial<IdentifyRequest>, grant: Grant][] = [
      [{}, { tls: false, snappy: false, deflateLevel: 0 }],
      [{ tls_v1: true }, { tls: true, snappy: false, deflateLevel: 0 }],
      [{ snappy: true }, { tls: false, snappy: true, deflateLevel: 0 }],
      [{ deflate: true }, { tls: false, snappy: false, deflateLevel: 6 }],
      [
        { tls_v1: true, deflate: true, deflate_level: 1 },
        { tls: true, snappy: false, deflateLevel: 1 },
      ],
    ]
    for (const [asked, grant] of cases) {
      const answer = negotiate(request({ feature_negotiation: true, ...asked }), options, fresh, everything)
      assert.deepEqual(answer.grant, grant)
      const { response } = answer
      assert.deepEqual(
        [response?.tls_v1, response?.snappy, response?.deflate],
        [grant.tls, grant.snappy, grant.deflateLevel > 0],
      )
      assert.equal(response?.auth_required, true)
    }
  })

  test('grants nothing without feature negotiation', () => {
    const asked = { tls_v1: true, deflate: true, snappy: true }
    const { grant, response } = negotiate(request(asked), options, fresh, everything)
    assert.deepEqual([grant, response], [{ tls: false, snappy: false, deflateLevel: 0 }, undefined])
  })

  test('deflates with the level that is asked for, up to the highest allowed', () => {
    assert.deepEqual(levels(2, {}), [2, 2, 0])
    assert.deepEqual(levels(9, { deflate_level: 8 }), [6, 9, 0])
    assert.deepEqual(levels(9, { deflate: true, deflate_level: 8 }), [8, 9, 8])
    assert.deepEqual(levels(9, { deflate: true, deflate_level: -3 }), [6, 9, 6])
    assert.deepEqual(levels(3, { deflate: true, deflate_level: 8 }), [3, 3, 3])
    assert.deepEqual(levels(3, { deflate: true }), [3, 3, 3])
  })

  const refused: [fields: Partial<IdentifyRequest>, text: string][] = [
    [{ heartbeat_interval: 999 }, 'E_BAD_BODY IDENTIFY heartbeat interval (999) is invalid'],
    [{ heartbeat_interval: 999_999 }, 'E_BAD_BODY IDENTIFY heartbeat interval (999999) is invalid'],
    [{ heartbeat_interval: -2 }, 'E_BAD_BODY IDENTIFY heartbeat interval (-2) is invalid'],
    [{ output_buffer_size: 63 }, 'E_BAD_BODY IDENTIFY output buffer size (63) is invalid'],
    [{ output_buffer_size: 65_537 }, 'E_BAD_BODY IDENTIFY output buffer size (65537) is invalid'],
    [{ output_buffer_timeout: 24 }, 'E_BAD_BODY IDENTIFY output buffer timeout (24) is invalid'],
    [{ output_buffer_timeout: 30_001 }, 'E_BAD_BODY IDENTIFY output buffer timeout (30001) is invalid'],
    [{ sample_rate: -1 }, 'E_BAD_BODY IDENTIFY sample rate (-1) is invalid'],
    [{ sample_rate: 100 }, 'E_BAD_BODY IDENTIFY sample rate (100) is invalid'],
    [{ msg_timeout: 1 }, 'E_BAD_BODY IDENTIFY msg timeout (1) is invalid'],
    [{ msg_timeout: -1 }, 'E_BAD_BODY IDENTIFY msg timeout (-1) is invalid'],
    [{ msg_timeout: 900_001 }, 'E_BAD_BODY IDENTIFY msg timeout (900001) is invalid'],
    [{ deflate: true, snappy: true }, 'E_IDENTIFY_FAILED cannot enable both deflate and snappy compression'],
  ]
  for (const [fields, text] of refused) {
    test(`refuses ${JSON.stringify(fields)}`, () => {
      assert.throws(
        () => negotiate(request({ feature_negotiation: true, ...fields }), options, fresh, nothing),
        error => error instanceof ProtocolError && error.fatal && error.frameText === text,
      )
    })
  }
})
