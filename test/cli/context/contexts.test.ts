import assert from 'node:assert/strict'
import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { contextNames, type Contexts, readContexts } from '../../../src/cli/context/contexts.ts'
import { contextsFile } from '../../../src/cli/context/folders.ts'
import { User } from './fixtures.ts'

function read(text: string): Promise<Contexts> {
  const user = new User()
  user.write(text)
  return readContexts(user.env)
}

describe('the file of contexts', () => {
  test('is where the environment says', () => {
    assert.equal(
      contextsFile({ NSQ_CONFIG_DIR: '/a', XDG_CONFIG_HOME: '/b', HOME: '/c' }),
      '/a/contexts.toml',
    )
    assert.equal(contextsFile({ XDG_CONFIG_HOME: '/b', HOME: '/c' }), '/b/nsq-ts/contexts.toml')
    assert.equal(contextsFile({ HOME: '/c', XDG_CONFIG_HOME: '' }), '/c/.config/nsq-ts/contexts.toml')
    assert.equal(contextsFile({ USERPROFILE: '/d' }), '/d/.config/nsq-ts/contexts.toml')
    assert.equal(contextsFile({}), undefined)
  })

  test('need not be there', async () => {
    for (const env of [{}, new User().env, { NSQ_CONFIG_DIR: import.meta.filename }]) {
      const { current, contexts } = await readContexts(env)
      assert.deepEqual([current, contexts.size], [undefined, 0])
    }
  })

  test('has addresses and settings as they would be given on the command line', async () => {
    const { current, contexts } = await read(
      [
        "current = 'prod' # which is not what we write",
        '[contexts.prod]',
        'lookupd-http-address = ["a:1", "b:2"]',
        'nsqd-tcp-address = "c:3"',
        'tls = true',
        'deflate-level = 6',
        '[contexts.empty]',
      ].join('\n'),
    )
    assert.equal(current, 'prod')
    assert.deepEqual(contexts.get('prod'), {
      values: {
        'lookupd-http-address': ['a:1', 'b:2'],
        'nsqd-tcp-address': ['c:3'],
        tls: ['true'],
        'deflate-level': ['6'],
      },
      notes: [],
    })
    assert.deepEqual(contexts.get('empty'), { values: {}, notes: [] })
  })

  test('a path in it is relative to it', async () => {
    const user = new User()
    user.write('[contexts.a]\ntls-ca = "ca.pem"\ntls-key = "/key.pem"\n')
    const { contexts } = await readContexts(user.env)
    assert.deepEqual(contexts.get('a')?.values, {
      'tls-ca': [join(user.file, '../ca.pem')],
      'tls-key': ['/key.pem'],
    })
  })

  test('what means nothing is said, with its line', async () => {
    const { contexts } = await read('\n[contexts.a]\ntls = true\nauth-secert = "x"\n')
    assert.match(
      contexts.get('a')?.notes.join() ?? '',
      /contexts\.toml:4: the unknown key "auth-secert" is ignored \(did you mean auth-secret\?\)$/,
    )
  })

  test('what means nothing beside the contexts is said, too', async () => {
    const { notes } = await read('curent = "a"\n[context.a]\nnsqd-tcp-address = "a:1"\n')
    assert.match(
      notes.join('\n'),
      /toml:1: the unknown key "curent" is ignored \(did you mean current\?\)\n.*toml:2: the unknown key "context" is ignored \(did you mean contexts\?\)$/,
    )
  })

  test('what is empty says nothing, as in a variable', async () => {
    const { contexts } = await read(
      '[contexts.a]\nnsqd-tcp-address = []\nlookupd-http-address = ["", "b:2", " , "]\ntls-ca = ""\nauth-secret = ""\n' +
        '[contexts.b]\nnsqd-http-address = ""\n',
    )
    assert.deepEqual(contexts.get('a'), { values: { 'lookupd-http-address': ['b:2'] }, notes: [] })
    assert.deepEqual(contexts.get('b'), { values: {}, notes: [] })
  })

  for (const [text, complaint] of [
    ['[contexts.a]\ntls = "yes"', /contexts\.toml:2: tls is to be true or false/],
    ['[contexts.a]\ntls = 1', /contexts\.toml:2: tls is to be true or false/],
    ['[contexts.a]\nlookupd-http-address = 4161', /contexts\.toml:2: lookupd-http-address is to be a text/],
    ['[contexts.a]\nauth-secret = 1e5', /contexts\.toml:2: auth-secret is to be a text in quotes/],
    ['[contexts.a]\ndeflate-level = "6"', /contexts\.toml:2: deflate-level is to be a number/],
    ['a = 1\nb = = 2', /contexts\.toml:2: it is not TOML: /],
    ['\n\ncurrent = 7', /contexts\.toml:3: current is to be the name of a context/],
    ['contexts = 7', /contexts\.toml:1: contexts is to be a table/],
    ['[contexts]\nprod = 7', /contexts\.toml:2: prod is to be a table: \[contexts\.prod\]/],
    ['[contexts.a]\n[contexts.b]\ntls-ca = ["x"]', /contexts\.toml:3: tls-ca is to be a text in quotes/],
    [
      '[contexts.a]\nnsqd-tcp-address = [1]',
      /contexts\.toml:2: nsqd-tcp-address is to be a text in quotes, or/,
    ],
    ['[contexts.a]\nauth-secret = { top = "secret" }', /contexts\.toml:2: auth-secret is to be a text/],
    ['[contexts."x y"]\ntls = 1979-05-27', /contexts\.toml:2: tls is to be true or false/],
  ] as const) {
    test(`is refused with the line that is to blame: ${JSON.stringify(text)}`, async () => {
      await assert.rejects(read(text), (error: unknown) => {
        assert.ok(error instanceof Error && 'code' in error && error.code === 'E_CONTEXT')
        assert.match(error.message, complaint)
        assert.doesNotMatch(error.message, /secret"/)
        return true
      })
    })
  }

  test(
    'that cannot be read is named',
    { skip: process.getuid?.() === 0 && 'root reads everything' },
    async () => {
      const user = new User()
      user.write('')
      chmodSync(user.file, 0)
      await assert.rejects(readContexts(user.env), { code: 'E_CONTEXT', message: /contexts\.toml/ })
    },
  )

  test('that is a folder is named', async () => {
    const user = new User()
    mkdirSync(user.file, { recursive: true })
    await assert.rejects(readContexts(user.env), { code: 'E_CONTEXT', message: /EISDIR/ })
  })

  test('has names for completion, and none when it is damaged', async () => {
    const user = new User()
    user.write('[contexts.b]\n[contexts.a]\n')
    assert.deepEqual(await contextNames(user.env), ['b', 'a'])
    user.write('[contexts.b\n')
    assert.deepEqual(await contextNames(user.env), [])
  })
})
