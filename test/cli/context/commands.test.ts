import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { CONTEXT_KEYS } from '../../../src/cli/context/keys.ts'
import { keptOptions } from '../../../src/cli/commands/context-add.ts'
import { makeOffer } from '../../../src/cli/dev/offer.ts'
import { User } from './fixtures.ts'

describe('nsq-ts context', () => {
  test('adds, uses, lists, shows and removes', async () => {
    const user = new User()
    const added = await user.run('context add prod --lookupd-http-address a,b:1')
    assert.deepEqual(added, { code: 0, out: `context prod: added in ${user.file}\n`, err: '' })
    await user.run('context add test --nsqd-tcp-address c --nsqd-http-address [::1] --tls-ca ca.pem --use')
    assert.equal(
      user.text,
      `current = "test"

[contexts.prod]
lookupd-http-address = ["a:4161", "b:1"]

[contexts.test]
nsqd-tcp-address = ["c:4150"]
nsqd-http-address = ["[::1]:4151"]
tls-ca = "${join(user.home, 'ca.pem')}"
`,
    )
    assert.equal(statSync(user.file).mode & 0o777, 0o600)
    assert.deepEqual(await user.run('context list'), { code: 0, out: 'prod\ntest\n', err: '' })
    assert.equal(
      (await user.run('context show prod')).out,
      `# context prod; ${user.file}\nlookupd-http-address = ["a:4161", "b:1"]\n`,
    )
    assert.match((await user.run('context show')).out, /^# context test, taken here as the current one; /)
    const used = await user.run('context use prod --json')
    assert.deepEqual(JSON.parse(used.out), { name: 'prod', action: 'used', file: user.file })
    assert.match((await user.run('context show')).out, /^# context prod, taken here/)
    assert.match((await user.run('context show test')).out, /^# context test; /)
    const removed = await user.run('context remove prod test')
    assert.equal(
      removed.out,
      `context prod: removed from ${user.file}; it was the current one\ncontext test: removed from ${user.file}\n`,
    )
    assert.equal(user.text.trim(), '')
    assert.deepEqual(await user.run('context list'), { code: 0, out: '', err: '' })
  })

  test('none is the current one after "use none"', async () => {
    const user = new User()
    await user.run('context add a --nsqd-tcp-address a --use')
    assert.match((await user.run('context use none')).out, /^no context is the current one any more/)
    const { code, err } = await user.run('context show')
    assert.equal(code, 1)
    assert.match(err, /^No context is taken here: commands try the daemons of this machine/)
  })

  test('keeps what the variables say, but for what flags take the place of', async () => {
    const user = new User()
    const env = {
      NSQ_NSQD_TCP_ADDRESS: 'e',
      NSQ_NSQD_HTTP_ADDRESS: 'e',
      NSQ_AUTH_SECRET: 'top secret',
      NSQ_DEFLATE_LEVEL: '7',
      NSQ_TLS: 'true',
      NSQ_TLS_CA: 'e.pem',
    }
    const without = await user.run('context add x --from-env', { env: { NSQ_TLS: 'true' } })
    assert.equal(without.code, 2)
    assert.match(without.err, /no NSQ_\* variable has an address/)
    // Its variables are not for it unless it is told so.
    assert.equal((await user.run('context add x', { env })).code, 2)
    await user.run('context add x --from-env', { env })
    await user.run('context add y --from-env --lookupd-http-address f --snappy --tls-ca /f.pem', { env })
    const secret = 'auth-secret = "top secret"'
    assert.equal(
      user.text,
      `[contexts.x]
nsqd-tcp-address = ["e:4150"]
nsqd-http-address = ["e:4151"]
tls = true
tls-ca = "${join(user.home, 'e.pem')}"
deflate-level = 7
${secret}

[contexts.y]
lookupd-http-address = ["f:4161"]
tls = true
tls-ca = "/f.pem"
snappy = true
${secret}
`,
    )
  })

  test('no secret is shown', async () => {
    const user = new User()
    await user.run('context add a --lookupd-http-address https://ada:hush@b:1/x --auth-secret hush --use')
    assert.match(user.text, /hush.*hush/s)
    for (const line of ['context show', 'context show a', 'context show --json', 'context list --json']) {
      const { out, err } = await user.run(line)
      assert.doesNotMatch(out + err, /hush/)
      assert.match(out, /https:\/\/ada:\*\*\*@b:1\/x/)
      assert.match(out, /auth-secret("?:"| = )\*\*\*/)
    }
  })

  test('JSON has the same of each', async () => {
    const user = new User()
    await user.run('context add a --nsqd-tcp-address x --tls --deflate-level 2 --use')
    await user.run('context add b --lookupd-http-address y')
    const { out } = await user.run('context list --json')
    const [a, b] = out.trim().split('\n')
    assert.deepEqual(JSON.parse(a ?? ''), {
      name: 'a',
      how: 'file',
      file: user.file,
      current: true,
      taken_here: true,
      values: { 'nsqd-tcp-address': ['x:4150'], tls: true, 'deflate-level': 2 },
    })
    assert.equal((await user.run('context show b --json')).out, `${b}\n`)
    const added = JSON.parse((await user.run('context add b --nsqd-tcp-address z --replace --json')).out)
    assert.deepEqual(added, { name: 'b', action: 'replaced', current: false, file: user.file })
  })

  test('a dev that runs here is listed, and shown as what is taken', async t => {
    const user = new User()
    await user.run('context add a --nsqd-tcp-address x --use')
    t.after(makeOffer(user.env, user.home, { 'nsqd-tcp-address': ['127.0.0.1:5150'] }))
    assert.equal((await user.run('context list')).out, 'a\n')
    const [dev, a] = (await user.run('context list --json')).out.trim().split('\n')
    assert.deepEqual([JSON.parse(dev ?? '').how, JSON.parse(dev ?? '').taken_here], ['dev', true])
    assert.deepEqual([JSON.parse(a ?? '').current, JSON.parse(a ?? '').taken_here], [true, false])
    const { out } = await user.run('context show')
    assert.match(out, /^# the dev in .*, taken here; .*\.json\nnsqd-tcp-address = \["127\.0\.0\.1:5150"\]\n$/)
    assert.match((await user.run('context show a')).out, /^# context a, the current one; /)
  })

  test('variables that count more are said', async () => {
    const user = new User()
    await user.run('context add a --nsqd-tcp-address x --use')
    const { out, err } = await user.run('context show', { env: { NSQ_NSQD_TCP_ADDRESS: 'e' } })
    assert.match(err, /NSQ_NSQD_TCP_ADDRESS counts more than any context that is not named/)
    assert.match(out, /^# context a/)
    const both = { NSQ_NSQD_TCP_ADDRESS: 'e', NSQ_LOOKUPD_HTTP_ADDRESS: 'f' }
    const { err: several } = await user.run('context show', { env: both })
    assert.match(several, /NSQ_LOOKUPD_HTTP_ADDRESS and NSQ_NSQD_TCP_ADDRESS count more than/)
    const wrong = await user.run('context list', { env: { NSQ_CONTEXT: 'b' } })
    assert.deepEqual([wrong.code, wrong.out], [0, 'a\n'])
    assert.match(wrong.err, /NSQ_CONTEXT: there is no context "b"/)
  })

  test('what is wrong with a context is said where it is shown', async () => {
    const user = new User()
    user.write(
      'current = "a"\nmore = 1\n[contexts.a]\nlookupd-http-adress = "x"\n[contexts.b]\nauth-secret = "hush"\n',
      0o644,
    )
    const unknown =
      /:4: the unknown key "lookupd-http-adress" is ignored \(did you mean lookupd-http-address\?\)/
    for (const line of ['context show', 'context show a', 'context show a --json']) {
      const { code, err } = await user.run(line)
      assert.equal(code, 0)
      assert.match(err, unknown)
      assert.match(err, /:2: the unknown key "more" is ignored/)
      assert.doesNotMatch(err, /others may read it/)
    }
    const shown = await user.run('context show b')
    assert.match(shown.err, /others may read it: chmod 600 /)
    assert.doesNotMatch(shown.err, unknown)
    assert.match((await user.run('context list')).err, /:2: the unknown key "more" is ignored/)
  })

  for (const [line, complaint] of [
    ['context add x --nsqd-tcp-address=', /a context needs an address/],
    ['context add', /the name is missing/],
    ['context add none --tls', /cannot be named "none"/],
    ['context add ../x --nsqd-tcp-address a', /"\.\.\/x" is no name for a context/],
    ['context add -x', /unknown flag -x/],
    ['context add x --tls', /a context needs an address/],
    [
      'context add there --nsqd-tcp-address b',
      /there is a context "there" already\n {2}Take its place with --replace/,
    ],
    ['context add x --nsqd-tcp-address a:b', /--nsqd-tcp-address: "a:b" is not an address/],
    ['context use', /the name is missing/],
    ['context use ther', /there is no context "ther"\n {2}Did you mean there\?/],
    ['context show ther', /there is no context "ther"\n {2}Did you mean there\?/],
    ['context remove', /the name is missing/],
    ['context remove there other', /there is no context "other"\n {2}There are there\./],
  ] as const) {
    test(`refuses ${line}`, async () => {
      const user = new User()
      await user.run('context add there --nsqd-tcp-address a')
      const { text } = user
      const { code, out, err } = await user.run(line)
      assert.deepEqual([code, out], [2, ''])
      assert.match(err, complaint)
      assert.equal(user.text, text)
    })
  }

  test('the same again is no mistake', async () => {
    const user = new User()
    for (let i = 0; i < 2; i++)
      assert.equal((await user.run('context add a --nsqd-tcp-address x --use')).code, 0)
  })

  test('holds every option that a flag keeps', () => {
    assert.deepEqual(Object.keys(keptOptions).sort(), Object.keys(CONTEXT_KEYS).sort())
    for (const [flag, { kind, repeatable, secret = false }] of Object.entries(keptOptions)) {
      const key = CONTEXT_KEYS[flag]
      const expected = repeatable ? 'list' : kind === 'bool' ? 'switch' : kind === 'int' ? 'number' : 'text'
      assert.equal(key?.kind, expected, flag)
      assert.equal(key.isSecret ?? false, secret, flag)
    }
  })
})
