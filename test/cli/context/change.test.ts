import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { parse } from 'smol-toml'
import { changeContexts } from '../../../src/cli/context/change.ts'
import { readContexts } from '../../../src/cli/context/contexts.ts'
import { editText, type Edits } from '../../../src/cli/context/edit.ts'
import { tryLock } from '../../../src/util/lock-file.ts'
import { User } from './fixtures.ts'

const edit = (text: string, edits: Edits): Promise<string> => editText('/x/contexts.toml', text, edits)
const refuse = (): never => {
  throw new Error('no')
}
const put = { name: 'new', values: { 'nsqd-tcp-address': ['a:1'] } }

describe('editText', () => {
  test('begins a file', async () => {
    assert.equal(
      await edit('', { put, current: 'new' }),
      'current = "new"\n\n[contexts.new]\nnsqd-tcp-address = ["a:1"]\n',
    )
  })

  const written = [
    '# My clusters.',
    '',
    'current = "prod"   # careful',
    '',
    '[contexts.prod]',
    '# three of them',
    'lookupd-http-address = [',
    '  "a:1",',
    ']',
    '',
    '# For tests.',
    '[contexts.test]',
    'tls-ca = "ca.pem"',
    '',
  ].join('\n')

  test('leaves what a person has written', async () => {
    assert.equal(await edit(written, { put }), `${written}\n[contexts.new]\nnsqd-tcp-address = ["a:1"]\n`)
    assert.equal(
      await edit(written, { current: 'test' }),
      written.replace('current = "prod"   # careful', 'current = "test"'),
    )
    assert.equal(
      await edit(written, { remove: ['prod'], current: null }),
      '# My clusters.\n\n\n# For tests.\n[contexts.test]\ntls-ca = "ca.pem"\n',
    )
    assert.equal(
      await edit('# My clusters.\n[contexts.test]\n', { current: 'test' }),
      '# My clusters.\ncurrent = "test"\n\n[contexts.test]\n',
    )
  })

  test('takes the place of a context', async () => {
    const edited = await edit(written, { put: { name: 'prod', values: { tls: ['false'] } } })
    assert.deepEqual(JSON.parse(JSON.stringify(parse(edited))), {
      current: 'prod',
      contexts: { test: { 'tls-ca': 'ca.pem' }, prod: { tls: false } },
    })
    assert.match(edited, /# My clusters/)
  })

  for (const text of [
    '[contexts]\nprod = { tls = true }\nold = { snappy = true }\n',
    'contexts.prod.tls = true\ncontexts.old.snappy = true\n',
    '[ contexts . prod ]\ntls = true\n[contexts."old"]\nsnappy = true\n',
    '"current" = "old"\n[contexts.prod]\ntls = true\n[contexts.old]\nsnappy = true\n',
  ]) {
    test(`writes anew what cannot be changed in place: ${JSON.stringify(text)}`, async () => {
      const edited = await edit(text, { put, remove: ['old'], current: 'prod' })
      assert.deepEqual(JSON.parse(JSON.stringify(parse(edited))), {
        current: 'prod',
        contexts: { prod: { tls: true }, new: { 'nsqd-tcp-address': ['a:1'] } },
      })
    })
  }

  test('changes nothing of what it cannot understand', async () => {
    await assert.rejects(edit('[contexts.a', { put }), {
      code: 'E_CONTEXT',
      message: /^\/x\/contexts\.toml:1: /,
    })
  })
})

describe('changeContexts', () => {
  test('makes a file that only its owner reads, and leaves nothing beside it', async () => {
    const user = new User()
    assert.equal(await changeContexts(user.env, () => ({ put })), user.file)
    assert.equal(statSync(user.file).mode & 0o777, 0o600)
    assert.equal(statSync(dirname(user.file)).mode & 0o777, 0o700)
    assert.deepEqual(readdirSync(dirname(user.file)), ['contexts.toml'])
    user.write(user.text, 0o644)
    await changeContexts(user.env, () => ({ current: 'new' }))
    assert.equal(statSync(user.file).mode & 0o777, 0o600)
  })

  test('those who do so at a time all have their way', async () => {
    const user = new User()
    const names = Array.from({ length: 12 }, (_, index) => `c${index}`)
    await Promise.all(names.map(name => changeContexts(user.env, () => ({ put: { ...put, name } }))))
    const { contexts } = await readContexts(user.env)
    assert.deepEqual([...contexts.keys()].sort(), names.sort())
  })

  test('waits for another process, and gives up with its number', async t => {
    const user = new User()
    await changeContexts(user.env, () => ({ put }))
    const lock = tryLock(`${user.file}.lock`)
    assert.ok(lock.release !== undefined)
    const changed = changeContexts(user.env, () => ({ current: 'new' }))
    await new Promise(resolve => setTimeout(resolve, 50))
    assert.doesNotMatch(user.text, /current/)
    lock.release()
    await changed
    assert.match(user.text, /current/)
    const again = tryLock(`${user.file}.lock`)
    t.after(() => again.release?.())
    await assert.rejects(
      changeContexts(user.env, () => ({ current: null }), 50),
      {
        code: 'E_CONTEXT',
        message: `${user.file} is being changed by process ${process.pid}`,
      },
    )
  })

  test('a link stays a link', async () => {
    const user = new User()
    user.write('')
    const kept = join(user.home, 'kept.toml')
    writeFileSync(kept, '# kept\n')
    const file = join(user.home, 'contexts.toml')
    symlinkSync(kept, file)
    await changeContexts({ NSQ_CONFIG_DIR: user.home }, () => ({ put }))
    assert.match(readFileSync(kept, 'utf8'), /# kept\n\n\[contexts\.new\]/)
  })

  test('what the change throws leaves all as it is, and the lock free', async () => {
    const user = new User()
    user.write('# mine\n')
    await assert.rejects(changeContexts(user.env, refuse), /no/)
    assert.equal(user.text, '# mine\n')
    assert.deepEqual(readdirSync(dirname(user.file)), ['contexts.toml'])
  })

  test('says so where there is no place, or none that can be written', async () => {
    await assert.rejects(
      changeContexts({}, () => ({ put })),
      { code: 'E_CONTEXT', message: /HOME is not set/ },
    )
    await assert.rejects(
      changeContexts({ NSQ_CONFIG_DIR: join(import.meta.filename, 'x') }, () => ({ put })),
      { code: 'E_CONTEXT', message: /^cannot change .*\.\w+\/x\/contexts\.toml: ENOTDIR/ },
    )
  })
})
