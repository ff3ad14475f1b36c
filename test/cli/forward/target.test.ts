import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { escapeQuery } from '../../../src/cli/forward/query.ts'
import { getTarget, postTarget, readHeaders } from '../../../src/cli/forward/target.ts'

/** The path of a GET. */
function path(text: string, body: string): string {
  return getTarget(text, {}).pathWith(Buffer.from(body))
}

describe('the address of a GET', () => {
  test('has the body where %s is', () => {
    assert.equal(path('http://h/x?q=%s', 'a b&c=d/é'), '/x?q=a+b%26c%3Dd%2F%C3%A9')
    assert.equal(path('http://h/x/%s/y?z=1', 'a'), '/x/a/y?z=1')
    assert.equal(path('http://h?%s', ''), '/?')
  })

  test('is a format of printf as far as %% goes', () => {
    assert.equal(path('http://h/a%%20b?q=%s', 'c'), '/a%20b?q=c')
    assert.equal(path('http://h/a%20b?q=%s&p=100%%', 'c'), '/a%20b?q=c&p=100%')
    assert.equal(path('http://h/?q=%%s%s', 'c'), '/?q=%sc')
  })

  test('does not take what is in the body for a place', () => {
    assert.equal(path('http://h/?q=%s', '%s $& $1'), '/?q=%25s+%24%26+%241')
  })

  test('must have one place', () => {
    for (const text of ['http://h/', 'http://h/?a=%s&b=%s', 'http://h/%%s']) {
      assert.throws(
        () => getTarget(text, {}),
        /^UsageError: --get: "http.*(no place|several places) for the body/,
        text,
      )
    }
    for (const text of ['http://%s/', 'http://h/#%s', 'http://u:%s@h/']) {
      assert.throws(() => getTarget(text, {}), /UsageError: --get/, text)
    }
  })
})

test('the query is escaped byte for byte, as by Go', () => {
  const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte))
  const text = escapeQuery(all)
  const back = text
    .replaceAll('+', ' ')
    .replaceAll(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
  assert.equal(back, all.toString('latin1'))
  assert.equal(escapeQuery(Buffer.from('AZaz09-_.~ !*\'()"%+')), 'AZaz09-_.~+%21%2A%27%28%29%22%25%2B')
})

describe('an address', () => {
  test('must be an http or https URL', () => {
    for (const text of ['', 'h:8080', 'ftp://h/', '/x', 'http://', 'http://h:99999/']) {
      assert.throws(() => postTarget(text, {}), /UsageError: --post: ".*" is not an http or https URL/, text)
    }
  })

  test('is spoken of without what may be secret', () => {
    const target = postTarget('https://me:pa%20ss@h:8443/x?token=s', {})
    assert.equal(target.name, 'https://h:8443/x?...')
    assert.equal(target.headers['authorization'], `Basic ${Buffer.from('me:pa ss').toString('base64')}`)
    const { authorization } = postTarget('http://me:100%@h/', {}).headers
    assert.equal(authorization, `Basic ${Buffer.from('me:100%').toString('base64')}`)
    assert.equal(postTarget('http://[::1]:80/x', {}).name, 'http://[::1]/x')
    assert.throws(
      () => postTarget('ftp://me:secret@h/?secret', {}),
      (error: Error) => /UsageError/.test(String(error)) && !error.message.includes('secret'),
    )
    assert.throws(
      () => getTarget('http://me:secret@h/?token=secret', {}),
      (error: Error) => /UsageError/.test(String(error)) && !error.message.includes('secret'),
    )
  })

  test('gives no credentials where a header does', () => {
    assert.deepEqual(postTarget('http://me:x@h/', { authorization: 'Bearer y' }).headers, {
      authorization: 'Bearer y',
    })
  })
})

test('what is no address is shown without what may be a password', () => {
  for (const text of [
    'ftp://me:secret@h/?secret',
    'http://me:p/secret@h:x/',
    'http://me:p@secret@h:x/',
    'http://me:secret?secret@h:x/',
    'http://me:secret#secret@h:x/?q=secret',
    'http://h:x/?q=a@secret',
  ]) {
    assert.throws(
      () => postTarget(text, {}),
      (error: Error) => /is not an http/.test(error.message) && !error.message.includes('secret'),
      text,
    )
  }
})

describe('headers', () => {
  test('are NAME: VALUE, the last of a name counts', () => {
    const headers = readHeaders(['X-A: 1', 'x-b:2:3', 'x-a:  3 '])
    assert.deepEqual(
      [...headers],
      [
        ['x-a', '3'],
        ['x-b', '2:3'],
      ],
    )
  })

  test('are refused when they are none, and never shown', () => {
    for (const text of [
      'secret',
      ':secret',
      ': secret',
      'x:',
      'x: ',
      'a b: secret',
      'x: secret\nsecret',
      'x: secret\u0000',
      // It would cut the body, or make requests of it.
      'Content-Length: 5secret',
      'transfer-encoding: secret',
    ]) {
      assert.throws(
        () => readHeaders([text]),
        (error: Error) => /UsageError: --header/.test(String(error)) && !error.message.includes('secret'),
        text,
      )
    }
  })
})
