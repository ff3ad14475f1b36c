/** pub and tail over secured connections, in this process, against real daemons. */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { commands } from '../../src/cli/commands.ts'
import { runProgram } from '../../src/cli/program.ts'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import { resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { type SecuredNsqd, startSecuredNsqd } from '../support/secured-nsqd.ts'
import { fakeSurroundings } from './fakes.ts'

let secured: SecuredNsqd

before(async () => {
  secured = await startSecuredNsqd()
})

after(() => secured.close())

interface Outcome {
  code: number
  out: string
  err: string
}

async function run(
  [bin = '', ...args]: string[],
  env: Readonly<Record<string, string>> = {},
  input: string[] = [],
): Promise<Outcome> {
  const around = fakeSurroundings(env, input)
  const code = await runProgram(bin, args, commands, around)
  return { code, out: around.out(), err: around.err() }
}

function file(name: string): string {
  return join(secured.folder, name)
}

/** What lets a command in, but for the secret. */
function certificateFlags(): string[] {
  return ['--tls-ca', file('ca.pem'), '--tls-cert', file('client.pem'), '--tls-key', file('client.key')]
}

describe('pub and tail', () => {
  for (const compression of [[], ['--snappy'], ['--deflate'], ['--deflate-level', '9']]) {
    test(`over TLS, with a secret, ${compression.join(' ') || 'not compressed'}`, async () => {
      const flags = [...certificateFlags(), ...compression, '--nsqd-tcp-address', secured.address]
      const env = { NSQ_AUTH_SECRET: secured.secret }
      const topic = `t${compression.join('').replaceAll('-', '')}`
      const published = await run(['nsq-ts', 'pub', topic, ...flags], env, ['hello\n'.repeat(1000)])
      assert.equal(published.code, 0, published.err)
      const args = ['nsq-ts', 'tail', topic, '--channel', 'c', '-n', '1000', ...flags]
      const tailed = await run(args, env)
      assert.equal(tailed.err, '')
      assert.equal(tailed.out, 'hello\n'.repeat(1000))
      assert.equal(tailed.code, 0)
    })
  }

  test("by go-nsq's names", async () => {
    const settings = [
      'tls_v1,true',
      `tls_root_ca_file,${file('ca.pem')}`,
      `tls_cert,${file('client.pem')}`,
      `tls_key,${file('client.key')}`,
      'snappy,true',
      `auth_secret,${secured.secret}`,
    ]
    const address = ['-nsqd-tcp-address', secured.address]
    const pub = ['to_nsq', '-topic', 'go', ...address, ...settings.flatMap(set => ['-producer-opt', set])]
    assert.equal((await run(pub, {}, ['a\n'])).code, 0)
    const set = settings.flatMap(setting => ['-consumer-opt', setting])
    const { out } = await run(['nsq_tail', '-topic', 'go', '-channel', 'c', '-n', '1', ...address, ...set])
    assert.equal(out, 'a\n')
  })

  test('with an nsqlookupd that speaks https', async () => {
    const cert = await readFile(file('server.pem'))
    const key = await readFile(file('server.key'))
    const asked: string[] = []
    const lookupd = createServer({ cert, key }, (request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`)
      const { port } = secured.nsqd.tcpAddress
      const producer = { broadcast_address: 'localhost', tcp_port: port, http_port: 0 }
      response.end(JSON.stringify({ channels: [], producers: [producer] }))
    })
    await new Promise<void>(resolve => lookupd.listen(0, '127.0.0.1', resolve))
    const address = lookupd.address()
    assert.ok(address !== null && typeof address === 'object')
    const env = { NSQ_AUTH_SECRET: secured.secret }
    const flags = certificateFlags()
    await run(['nsq-ts', 'pub', 'looked', ...flags, '--nsqd-tcp-address', secured.address], env, ['a\n'])
    const { out, err } = await run(
      [
        'nsq-ts',
        'tail',
        'looked',
        '--channel=c',
        '-n1',
        ...flags,
        `--lookupd-http-address=https://localhost:${address.port}`,
      ],
      env,
    )
    lookupd.close()
    lookupd.closeAllConnections()
    assert.equal(out, 'a\n', err)
    assert.deepEqual(new Set(asked), new Set([`/lookup?topic=looked Bearer ${secured.secret}`]))
  })

  test('through a Unix socket', { skip: process.platform === 'win32' }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-test-'))
    const path = join(folder, 'nsqd.sock')
    const nsqd = new Nsqd(
      resolveNsqdOptions({ tcpAddress: path, httpAddress: '127.0.0.1:0', dataPath: folder }),
      new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} }),
    )
    await nsqd.start()
    assert.equal((await run(['nsq-ts', 'pub', 't', '--nsqd-tcp-address', path], {}, ['a\n'])).code, 0)
    const args = ['nsq-ts', 'tail', 't', '--channel', 'c', '-n', '1', '--format', '{nsqd} {body}']
    assert.equal((await run(args, { NSQ_NSQD_TCP_ADDRESS: path })).out, `${path} a\n`)
    await nsqd.close()
    await rm(folder, { recursive: true })
  })
})

describe('who is not let in is told what to do', () => {
  const cases: [
    what: string,
    flags: () => string[],
    secret: string | undefined,
    err: RegExp,
    remedy: RegExp,
  ][] = [
    ['plain', () => [], 'hunter2hunter2', /TLS required/, /--tls\b/],
    ['another authority', () => ['--tls'], undefined, /TLS with nsqd .* failed/, /--tls-ca/],
    [
      'no certificate',
      () => ['--tls-ca', file('ca.pem')],
      undefined,
      /TLS with nsqd .* failed/,
      /--tls-cert/,
    ],
    ['no secret', certificateFlags, undefined, /wants to know who connects/, /NSQ_AUTH_SECRET/],
    ['the wrong secret', certificateFlags, 'hunter2hunter2', /E_UNAUTHORIZED/, /NSQ_AUTH_SECRET/],
  ]
  for (const [what, flags, secret, expected, remedy] of cases) {
    test(what, async () => {
      for (const command of ['pub', 'tail']) {
        const args = ['nsq-ts', command, 't', ...flags(), '--nsqd-tcp-address', secured.address]
        const env = { NSQ_LOG_LEVEL: 'debug', ...(secret === undefined ? {} : { NSQ_AUTH_SECRET: secret }) }
        const { code, out, err } = await run(args, env, ['a\n'])
        assert.match(err, expected)
        assert.match(err.split('\n')[1] ?? '', remedy)
        assert.equal(code, 1)
        assert.ok(secret === undefined || !`${out}${err}`.includes(secret))
      }
    })
  }
})
