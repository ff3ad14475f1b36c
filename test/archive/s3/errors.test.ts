import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { createServer as createSecureServer } from 'node:https'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { inspect } from 'node:util'
import { S3Error } from '../../../src/archive/s3/error.ts'
import { S3Destination } from '../../../src/archive/s3/s3-destination.ts'
import { listenTcp } from '../../../src/net/listen.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { certificates } from '../../support/certificates.ts'
import { S3Server } from '../../support/s3-server.ts'
import { xml } from '../../support/s3-xml.ts'
import { BUCKET, distinctBytes, NEVER, openDestination, partOf, TWO_PARTS, useEnv } from './fixtures.ts'

const HERE = `cannot use s3://${BUCKET}/logs`
const ANYBODY = {
  env: {
    AWS_ACCESS_KEY_ID: 'AKIDTEST',
    AWS_SECRET_ACCESS_KEY: 'a/secret+key',
    AWS_SESSION_TOKEN: 'a.session.token',
    AWS_REGION: 'us-east-1',
    AWS_CONFIG_FILE: '/dev/null',
    AWS_SHARED_CREDENTIALS_FILE: '/dev/null',
    AWS_EC2_METADATA_DISABLED: 'true',
  },
}

/** A server that answers as it likes. Returns its address. */
async function responder(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
  return `http://127.0.0.1:${port}`
}

/** Each request gets this. */
function always(status: number, body: string, headers: Record<string, string> = {}): RequestListener {
  return (request: IncomingMessage, response: ServerResponse) => {
    request.resume().on('end', () => response.writeHead(status, headers).end(body))
  }
}

function fault(code: string, message = 'What S3 says.', more = ''): string {
  return xml(`<Error><Code>${code}</Code><Message>${message}</Message>${more}</Error>`)
}

/** What opening fails with. Nothing secret may be in it, however deep. */
async function refusal(endpoint: string): Promise<S3Error> {
  const error = await S3Destination.open({ url: `s3://${BUCKET}/logs`, endpoint, maxAttempts: 1 }).then(
    () => assert.fail('it opened'),
    (error: unknown) => error,
  )
  assert.ok(error instanceof S3Error, String(error))
  const { AWS_SECRET_ACCESS_KEY: secret, AWS_SESSION_TOKEN: token } = process.env
  const everything = inspect(error, { depth: 20, showHidden: true })
  for (const word of [secret, token, 'STRING-TO-SIGN']) {
    assert.ok(word === undefined || !everything.includes(word), everything)
  }
  return error
}

function told({ code, message, isTransient }: S3Error): {
  code: string
  message: string
  isTransient: boolean
} {
  return { code, message, isTransient }
}

describe('what S3 refuses is told before anything is taken', () => {
  const cases: readonly [
    what: string,
    env: Record<string, string>,
    code: string,
    message: string,
    remedy: RegExp,
  ][] = [
    [
      'the key id',
      { AWS_ACCESS_KEY_ID: 'AKIDWRONG' },
      'E_S3_CREDENTIALS',
      'S3 does not know the access key id',
      /AWS_ACCESS_KEY_ID/,
    ],
    [
      'the secret',
      { AWS_SECRET_ACCESS_KEY: 'a/secret+kex' },
      'E_S3_CREDENTIALS',
      'the secret access key is wrong: S3 finds another signature',
      /AWS_SECRET_ACCESS_KEY/,
    ],
    [
      'the region',
      { AWS_REGION: 'eu-west-3' },
      'E_S3_REGION',
      'the bucket is in us-east-1, not in eu-west-3',
      /^Set AWS_REGION=us-east-1\.$/,
    ],
  ]
  for (const [what, env, code, reason, remedy] of cases) {
    test(what, async t => {
      const server = await S3Server.start(t)
      useEnv(t, server, env)
      await server.createBucket(BUCKET)
      const error = await refusal(server.endpoint)
      assert.deepEqual(told(error), { code, message: `${HERE}: ${reason}`, isTransient: false })
      assert.match(error.remedy ?? '', remedy)
    })
  }

  test('a bucket that is not there', async t => {
    const server = await S3Server.start(t)
    useEnv(t, server)
    const error = await refusal(server.endpoint)
    const message = `${HERE}: there is no bucket ${BUCKET} at ${server.endpoint}`
    assert.deepEqual(told(error), { code: 'E_S3_BUCKET', message, isTransient: false })
  })
})

describe('an answer that means', () => {
  const region = { 'x-amz-bucket-region': 'eu-west-1' }
  const html = '<!DOCTYPE html><html><head><title>Console</title><body><p>Welcome<br></body></html>'
  const cases: readonly [
    what: string,
    answer: RequestListener,
    code: string,
    message: string | RegExp,
    isTransient?: true,
  ][] = [
    [
      'another region',
      always(301, fault('PermanentRedirect'), region),
      'E_S3_REGION',
      `${HERE}: the bucket is in eu-west-1, not in us-east-1`,
    ],
    [
      'another region, unsaid',
      always(301, fault('PermanentRedirect')),
      'E_S3_REGION',
      `${HERE}: the bucket is in another region, not in us-east-1`,
    ],
    [
      'a session that has expired',
      always(400, fault('ExpiredToken')),
      'E_S3_CREDENTIALS',
      `${HERE}: the session token has expired or is not valid`,
    ],
    [
      'the wrong time',
      always(403, fault('RequestTimeTooSkewed')),
      'E_S3_CLOCK',
      /the clocks of this machine and of S3/,
    ],
    [
      'no S3, but a page',
      always(200, html, { 'content-type': 'text/html' }),
      'E_S3_ENDPOINT',
      /is no S3: its answer is something else$/,
    ],
    [
      'no S3: there is no such page',
      always(404, html),
      'E_S3_ENDPOINT',
      /is no S3: its answer is something else \(status 404\)$/,
    ],
    [
      'no S3: a login',
      always(302, '', { location: 'http://127.0.0.1/login' }),
      'E_S3_ENDPOINT',
      /is no S3: .* \(status 302\)$/,
    ],
    ['no S3: nothing', always(200, ''), 'E_S3_ENDPOINT', /is no S3: its answer is something else$/],
    [
      'a proxy whose server is away',
      always(502, html),
      'E_S3',
      `${HERE}: S3 has a fault of its own (502)`,
      true,
    ],
    ['too much to do', always(503, fault('SlowDown')), 'E_S3', `${HERE}: S3 asks to slow down (503)`, true],
    [
      'anything else',
      always(400, fault('InvalidRequest', 'It is Tuesday.')),
      'E_S3',
      `${HERE}: It is Tuesday. (InvalidRequest)`,
    ],
  ]
  for (const [what, answer, code, message, isTransient = false] of cases) {
    test(what, async t => {
      useEnv(t, ANYBODY)
      const error = await refusal(await responder(t, answer))
      assert.equal(error.code, code)
      if (typeof message === 'string') assert.equal(error.message, message)
      else assert.match(error.message, message)
      assert.equal(error.isTransient, isTransient)
    })
  }

  test('that nothing may be listed is no error: perhaps it may be written', async t => {
    useEnv(t, ANYBODY)
    const endpoint = await responder(t, always(403, fault('AccessDenied', 'You may not.')))
    const destination = await openDestination(t, endpoint)
    for (const bytes of [Buffer.from('x'), distinctBytes(TWO_PARTS)]) {
      await assert.rejects(destination.deliver(partOf('a.log', bytes), NEVER), {
        code: 'E_S3_DENIED',
        message: `cannot write s3://${BUCKET}/logs/a.log: access denied: You may not.`,
        isTransient: false,
      })
    }
  })

  test('that it has been written, and is none of S3, is an error', async t => {
    useEnv(t, ANYBODY)
    const list = xml('<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>')
    const endpoint = await responder(t, (request, response) =>
      always(200, request.method === 'GET' ? list : 'Thank you.')(request, response),
    )
    const destination = await openDestination(t, endpoint)
    await assert.rejects(destination.deliver(partOf('a.log', Buffer.from('x')), NEVER), {
      code: 'E_S3_ENDPOINT',
    })
  })

  test('what was signed is repeated by S3, and by us nowhere', async t => {
    useEnv(t, ANYBODY)
    const { AWS_SESSION_TOKEN: token } = ANYBODY.env
    const more = `<StringToSign>STRING-TO-SIGN</StringToSign><CanonicalRequest>x-amz-security-token:${token}</CanonicalRequest>`
    const error = await refusal(await responder(t, always(403, fault('SignatureDoesNotMatch', 'No.', more))))
    assert.equal(error.code, 'E_S3_CREDENTIALS')
  })
})

describe('an endpoint that does not answer', () => {
  test('because nobody listens', async t => {
    useEnv(t, ANYBODY)
    const error = await refusal('http://127.0.0.1:1')
    const message = `${HERE}: http://127.0.0.1:1 cannot be reached (ECONNREFUSED)`
    assert.deepEqual(told(error), { code: 'E_S3', message, isTransient: true })
  })

  test('is an error of a run without a spool only', async t => {
    useEnv(t, ANYBODY)
    const destination = await openDestination(t, 'http://127.0.0.1:1', { mayBeAway: true, maxAttempts: 1 })
    await assert.rejects(destination.deliver(partOf('a.log', Buffer.from('x')), NEVER), error =>
      destination.isTransient(error),
    )
  })

  test('because it hangs', async t => {
    useEnv(t, ANYBODY)
    const endpoint = await responder(t, () => {})
    await assert.rejects(openDestination(t, endpoint, { idleMs: 200, maxAttempts: 2 }), {
      code: 'E_S3',
      message: `${HERE}: ${endpoint} does not answer`,
      isTransient: true,
    })
  })

  test('to its end', async t => {
    useEnv(t, ANYBODY)
    for (const head of [false, true]) {
      const endpoint = await responder(t, (request, response) => {
        response.writeHead(200, { 'content-length': 1000 })
        if (head) response.flushHeaders()
        else response.write('<')
        setImmediate(() => request.socket.resetAndDestroy())
      })
      for (let i = 0; i < 20; i++) {
        const { code, message, isTransient } = await refusal(endpoint)
        assert.deepEqual([code, isTransient], ['E_S3', true])
        assert.equal(message, `${HERE}: the connection to ${endpoint} was lost (ECONNRESET)`)
      }
    }
  })

  test('because it speaks no TLS', async t => {
    useEnv(t, ANYBODY)
    const endpoint = await responder(t, always(200, ''))
    const error = await refusal(endpoint.replace('http:', 'https:'))
    assert.equal(error.code, 'E_S3_ENDPOINT')
    assert.match(error.message, /does not speak TLS$/)
    assert.match(error.remedy ?? '', /http:\/\//)
  })
})

test('an endpoint whose certificate nobody knows is not trusted', async t => {
  useEnv(t, ANYBODY)
  const { server: identity } = await certificates()
  const server = createSecureServer(identity, always(200, ''))
  t.after(() => server.close())
  const { port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
  const error = await refusal(`https://127.0.0.1:${port}`)
  assert.equal(error.code, 'E_S3_ENDPOINT')
  assert.match(error.message, /the certificate of https:\/\/127\.0\.0\.1:\d+ is not trusted: /)
  assert.match(error.remedy ?? '', /NODE_EXTRA_CA_CERTS/)
  assert.equal(error.isTransient, false)
})

describe('credentials', () => {
  const NONE = {
    AWS_ACCESS_KEY_ID: undefined,
    AWS_SECRET_ACCESS_KEY: undefined,
    AWS_SESSION_TOKEN: undefined,
  }

  test('that are nowhere', async t => {
    useEnv(t, ANYBODY, NONE)
    const error = await refusal('http://127.0.0.1:1')
    assert.deepEqual(told(error), {
      code: 'E_S3_CREDENTIALS',
      message: `${HERE}: no AWS credentials were found`,
      isTransient: false,
    })
    assert.match(error.remedy ?? '', /AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY/)
  })

  test('that are nowhere, and a metadata service that hangs', async t => {
    const service = await responder(t, () => {})
    const env = { AWS_EC2_METADATA_DISABLED: undefined, AWS_EC2_METADATA_SERVICE_ENDPOINT: service }
    useEnv(t, ANYBODY, { ...NONE, ...env })
    assert.equal((await refusal('http://127.0.0.1:1')).message, `${HERE}: no AWS credentials were found`)
  })

  test('of a profile that is not there', async t => {
    useEnv(t, ANYBODY, { ...NONE, AWS_PROFILE: 'nobody' })
    const error = await refusal('http://127.0.0.1:1')
    assert.equal(error.code, 'E_S3_CREDENTIALS')
    assert.match(error.message, /no AWS credentials were found for AWS_PROFILE=nobody$/)
  })

  test('and a region of a profile', async t => {
    const server = await S3Server.start(t, { region: 'eu-west-1' })
    const folder = temporaryFolder()
    const { accessKeyId, secretAccessKey } = server.keys
    const keys = `[archive]\naws_access_key_id=${accessKeyId}\naws_secret_access_key=${secretAccessKey}\n`
    writeFileSync(join(folder, 'credentials'), keys)
    writeFileSync(join(folder, 'config'), '[profile archive]\nregion=eu-west-1\n')
    useEnv(t, server, {
      ...NONE,
      AWS_REGION: undefined,
      AWS_PROFILE: 'archive',
      AWS_SHARED_CREDENTIALS_FILE: join(folder, 'credentials'),
      AWS_CONFIG_FILE: join(folder, 'config'),
    })
    await server.createBucket(BUCKET)
    await openDestination(t, server.endpoint)
  })
})

describe('a region', () => {
  test('is needed for AWS', async t => {
    useEnv(t, ANYBODY, { AWS_REGION: undefined })
    await assert.rejects(S3Destination.open({ url: 's3://bucket' }), {
      code: 'E_S3_REGION',
      message: 'no AWS region is configured',
    })
  })

  test('is not needed for another endpoint, which may also be in the environment', async t => {
    const server = await S3Server.start(t)
    useEnv(t, server, { AWS_REGION: undefined, AWS_ENDPOINT_URL_S3: server.endpoint })
    await server.createBucket(BUCKET)
    const destination = await S3Destination.open({ url: `s3://${BUCKET}` })
    t.after(() => destination.close())
    await destination.deliver(partOf('a.log', Buffer.from('x')), NEVER)
    assert.deepEqual([...(await server.objects(BUCKET)).keys()], ['a.log'])
  })
})
