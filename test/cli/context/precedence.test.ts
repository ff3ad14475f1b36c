/** Which of flag, variable, config file, context and default counts, for every kind of option. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { before, describe, test } from 'node:test'
import { addressAlternatives, addressOptions } from '../../../src/cli/addresses.ts'
import { clusterAlternatives, clusterOptions } from '../../../src/cli/cluster-options.ts'
import { type CommandEntry, type Context, defineCommand } from '../../../src/cli/command.ts'
import { commands } from '../../../src/cli/commands.ts'
import { compressionAlternatives, connectionOptions } from '../../../src/cli/connection-options.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { option, type OptionTable } from '../../../src/util/option.ts'
import { fakeSurroundings } from '../fakes.ts'
import { User } from './fixtures.ts'

const client = {
  ...addressOptions,
  ...connectionOptions,
  topic: option.string('A topic'),
  config: option.string('A file', undefined, { flagOnly: true }),
}
const steering = { ...clusterOptions }
const daemon = { 'nsqd-tcp-address': option.strings('Where'), 'tls-key': option.string('Which') }

interface Taken {
  code: number
  err: string
  options: Readonly<Record<string, unknown>>
  origins: Readonly<Record<string, string>>
  context: string | undefined
}

/** Runs a command of these options, and tells what it got. */
async function take(
  table: OptionTable,
  line: string,
  env: Record<string, string>,
  folder = '/',
): Promise<Taken> {
  let ran: Context | undefined
  const command = defineCommand({
    options: table,
    description: [],
    alternatives: [clusterAlternatives, addressAlternatives, compressionAlternatives].map(list =>
      list.filter(flag => flag in table),
    ),
    examples: [],
    run(context: Context) {
      ran = context
      return Promise.resolve(0)
    },
  })
  const entry: CommandEntry = { name: 'work', summary: 'Work', load: () => Promise.resolve(command) }
  const around = fakeSurroundings(env, [], folder)
  const code = await runProgram('nsq-ts', ['work', ...line.split(' ').filter(Boolean)], [entry], around)
  return {
    code,
    err: around.err(),
    options: ran?.options ?? {},
    origins: ran?.origins ?? {},
    context: ran?.namedContext?.name,
  }
}

const user = new User()
const config = join(user.home, 'config.toml')

before(() => {
  user.write(`
current = "mine"

[contexts.mine]
lookupd-http-address = ["mine:4161"]
nsqd-tcp-address = ["mine-a:4150", "mine-b:4150"]
nsqd-http-address = ["mine:4151"]
tls-ca = "/mine/ca.pem"
tls = false
snappy = true
auth-secret = "secret of mine"

[contexts.deflating]
nsqd-tcp-address = ["other:4150"]
deflate-level = 3
`)
  writeFileSync(
    config,
    'nsqd_tcp_address = ["config:4150"]\ntls_ca = "/config/ca.pem"\nauth_secret = "of config"\ntls = true\ndeflate_level = 5\n',
  )
})

describe('precedence', () => {
  // Each nearer than the one after it.
  const kinds: Record<string, { given: [flag: string, env: string]; values: unknown[] }> = {
    'nsqd-tcp-address': {
      given: ['f:1,g:2', 'e:1,h:2'],
      values: [['f:1', 'g:2'], ['e:1', 'h:2'], ['config:4150'], ['mine-a:4150', 'mine-b:4150'], []],
    },
    'tls-ca': {
      given: ['/f', '/e'],
      values: ['/f', '/e', '/config/ca.pem', '/mine/ca.pem', undefined],
    },
    'auth-secret': {
      given: ['of f', 'of e'],
      values: ['of f', 'of e', 'of config', 'secret of mine', undefined],
    },
    tls: { given: ['false', 'no'], values: [false, false, true, false, undefined] },
    'deflate-level': { given: ['1', '2'], values: [1, 2, 5, 3, undefined] },
  }
  for (const [flag, { given, values }] of Object.entries(kinds)) {
    test(`${flag}: flag, variable, config, context, default`, async () => {
      const name = flag.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())
      const variable = `NSQ_${flag.toUpperCase().replaceAll('-', '_')}`
      // Named by a variable, it goes together with addresses from elsewhere.
      const context = flag === 'deflate-level' ? 'deflating' : 'mine'
      const got: unknown[] = []
      for (const from of [0, 1, 2, 3, 4]) {
        const env: Record<string, string> = { ...user.env, NSQ_CONTEXT: from > 3 ? 'none' : context }
        if (from <= 1) env[variable] = given[1]
        const line = [
          ...(from === 0 ? [`--${flag}=${given[0].replaceAll(' ', '_')}`] : []),
          ...(from <= 2 ? [`--config=${config}`] : []),
        ]
        got.push((await take(client, line.join(' '), env)).options[name])
      }
      assert.deepEqual(
        got,
        values.map(value => (value === 'of f' ? 'of_f' : value)),
      )
    })
  }

  test('where each value comes from is known', async () => {
    const env = { ...user.env, NSQ_TLS_CA: '/e', NSQ_CONTEXT: 'mine' }
    const { origins, context } = await take(client, '--topic t', env)
    assert.equal(context, 'mine')
    assert.deepEqual(origins, {
      topic: '--topic',
      'tls-ca': 'NSQ_TLS_CA',
      context: 'NSQ_CONTEXT',
      'lookupd-http-address': 'lookupd-http-address (context mine)',
      'nsqd-tcp-address': 'nsqd-tcp-address (context mine)',
      tls: 'tls (context mine)',
      snappy: 'snappy (context mine)',
      'auth-secret': 'auth-secret (context mine)',
    })
  })

  test('the current context is taken when nothing else says where', async () => {
    const { options, context } = await take(client, '', user.env)
    assert.equal(context, 'mine')
    assert.deepEqual(options['lookupdHttpAddress'], ['mine:4161'])
    assert.equal(options['authSecret'], 'secret of mine')
    const cluster = await take(steering, '', user.env)
    assert.deepEqual(cluster.options['nsqdHttpAddress'], ['mine:4151'])
    assert.equal(cluster.options['tlsCa'], '/mine/ca.pem')
  })

  test('no address is given to a secret that is not its own', async () => {
    for (const [line, env] of [
      ['--nsqd-tcp-address x:1', {}],
      ['--lookupd-http-address x:1', {}],
      ['--nsqd-tcp-address x:1', { NSQ_CONTEXT: 'mine' }],
      [`--config ${config} --nsqd-tcp-address x:1`, {}],
      ['', { NSQ_NSQD_TCP_ADDRESS: 'x:1' }],
      ['', { NSQ_LOOKUPD_HTTP_ADDRESS: 'x:1' }],
    ] as const) {
      const { options, context } = await take(client, line, { ...user.env, ...env })
      assert.equal(context, undefined, line)
      assert.notEqual(options['authSecret'], 'secret of mine')
      assert.notEqual(options['tlsCa'], '/mine/ca.pem')
    }
  })

  test('a context that is named goes together with an address that is given as near', async () => {
    const typed = await take(client, '--context mine --nsqd-tcp-address x:1', user.env)
    const set = await take(client, '', { ...user.env, NSQ_CONTEXT: 'mine', NSQ_NSQD_TCP_ADDRESS: 'x:1' })
    for (const { options } of [typed, set]) {
      assert.deepEqual(options['nsqdTcpAddress'], ['x:1'])
      assert.deepEqual(options['lookupdHttpAddress'], [])
      assert.equal(options['authSecret'], 'secret of mine')
    }
  })

  test('--context is a flag: what it names counts more than variables', async () => {
    const env = {
      ...user.env,
      NSQ_CONTEXT: 'deflating',
      NSQ_LOOKUPD_HTTP_ADDRESS: 'e:1',
      NSQ_NSQD_TCP_ADDRESS: 'e:1',
      NSQ_AUTH_SECRET: 'of e',
      NSQ_TLS_CERT: '/e',
      NSQ_DEFLATE: 'true',
    }
    const { options } = await take(client, '--context mine', env)
    assert.deepEqual(options['nsqdTcpAddress'], ['mine-a:4150', 'mine-b:4150'])
    assert.deepEqual(options['lookupdHttpAddress'], ['mine:4161'])
    assert.equal(options['authSecret'], 'secret of mine')
    assert.equal(options['tlsCert'], '/e')
    assert.deepEqual([options['snappy'], options['deflate']], [true, undefined])
  })

  test('an alternative that is nearer drops those of the context', async () => {
    const { options } = await take(client, '--deflate', user.env)
    assert.deepEqual([options['snappy'], options['deflate']], [false, true])
    const off = await take(client, '--no-deflate', user.env)
    assert.deepEqual([off.options['snappy'], off.options['deflate']], [true, false])
    const set = await take(client, '', { ...user.env, NSQ_DEFLATE_LEVEL: '2' })
    assert.deepEqual([set.options['snappy'], set.options['deflateLevel']], [false, 2])
  })

  test('none is no context', async () => {
    for (const [line, env] of [
      ['--context none', { NSQ_CONTEXT: 'mine' }],
      ['', { NSQ_CONTEXT: 'none' }],
    ] as const) {
      const { options, context } = await take(client, line, { ...user.env, ...env })
      assert.equal(context, undefined)
      assert.deepEqual(options['nsqdTcpAddress'], [])
    }
  })

  test('a context without an address for the command is refused: another NSQ would be asked', async () => {
    const other = new User()
    other.write('current = "tcp"\n[contexts.tcp]\nnsqd-tcp-address = ["a:1"]\ntls-ca = "/x"\n')
    const { code, err } = await take(steering, '', other.env)
    assert.equal(code, 2)
    assert.match(err, /the current context tcp has no address for this command, only nsqd-tcp-address\n/)
    assert.match(err, /Give --lookupd-http-address or --nsqd-http-address, here or to the context/)
    assert.equal((await take(steering, '--nsqd-http-address b:1', other.env)).code, 0)
  })

  test('what is wrong in a context is said with its name', async () => {
    const other = new User()
    other.write('[contexts.bad]\nnsqd-tcp-address = ["a:b:c"]\nauth-secret = "top secret"\nmore = 1\n', 0o644)
    const { code, err } = await take(client, '--context bad', other.env)
    assert.equal(code, 2)
    assert.match(err, /contexts\.toml:4: the unknown key "more" is ignored\n/)
    assert.match(err, /contexts\.toml has a secret in it, and others may read it: chmod 600 /)
    assert.match(err, /nsqd-tcp-address \(context bad\): "a:b:c" is not an address/)
    assert.doesNotMatch(err, /top secret/)
  })

  test('a name that is not there is an error, with one that is like it', async () => {
    for (const [line, env, complaint] of [
      ['--context mien', {}, /--context: there is no context "mien"\n {2}Did you mean mine\?/],
      ['', { NSQ_CONTEXT: 'x' }, /NSQ_CONTEXT: there is no context "x"\n {2}There are mine, deflating\./],
    ] as const) {
      const { code, err } = await take(client, line, { ...user.env, ...env })
      assert.equal(code, 2)
      assert.match(err, complaint)
    }
    const { code, err } = await take(client, '--context x', {})
    assert.equal(code, 2)
    assert.match(err, /There is none yet: nsq-ts context add makes one\./)
  })

  test('damage is an error only for whom it concerns', async () => {
    const other = new User()
    other.write('[contexts.\n')
    const { code, err } = await take(client, '', other.env)
    assert.equal(code, 1)
    assert.match(err, /contexts\.toml:1: it is not TOML/)
    assert.equal((await take(client, '--nsqd-tcp-address a:1', other.env)).code, 0)
    assert.equal((await take(client, '--context none', other.env)).code, 0)
    assert.equal((await take(daemon, '', other.env)).code, 0)
    other.write('current = "gone"\n')
    const gone = await take(client, '', other.env)
    assert.equal(gone.code, 1)
    assert.match(
      gone.err,
      /the current context "gone" is not there\n {2}Choose another with nsq-ts context use/,
    )
  })

  test('a daemon takes no context, nor do commands without addresses', async () => {
    const { options } = await take(daemon, '', { ...user.env, NSQ_CONTEXT: 'mine' })
    assert.deepEqual(options, { nsqdTcpAddress: [], tlsKey: undefined })
    const takers = await Promise.all(
      commands.map(async entry => ('context' in (await entry.load()).options ? [entry.name] : [])),
    )
    for (const name of ['nsqd', 'nsqlookupd', 'nsqadmin', 'dev', 'archive verify', 'context add']) {
      assert.ok(!takers.flat().includes(name), name)
    }
    for (const name of [
      'tail',
      'pub',
      'archive',
      'stat',
      'nodes',
      'tombstone',
      'topic list',
      'channel delete',
    ]) {
      assert.ok(takers.flat().includes(name), name)
    }
  })
})
