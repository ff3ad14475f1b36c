import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorText, NsqError } from '../../src/util/errors.ts'
import { version } from '../../src/util/version.ts'

test('an NsqError carries a code, a cause and a remedy', () => {
  const cause = new Error('below')
  const error = new NsqError('E_TEST', 'it broke', { cause, remedy: 'mend it' })
  assert.ok(error instanceof Error)
  assert.equal(error.name, 'NsqError')
  assert.equal(error.code, 'E_TEST')
  assert.equal(error.remedy, 'mend it')
  assert.equal(error.cause, cause)
  assert.equal('cause' in new NsqError('E_TEST', 'no cause'), false)
})

test('anything thrown has a text', () => {
  assert.equal(errorText(new Error('one')), 'one')
  assert.equal(errorText('two'), 'two')
  assert.equal(errorText(undefined), 'undefined')
})

test('the version is one that official clients can parse', () => {
  assert.match(version, /^\d+\.\d+\.\d+/)
})

test('of an error of OpenSSL only its own words are shown', () => {
  const places = '80ACC67DC07F0000:error:0A00010B:SSL routines:ssl3_get_record:'
  const where = ':../deps/openssl/openssl/ssl/record/ssl3_record.c:350:\n'
  assert.equal(errorText(new Error(`${places}wrong version number${where}`)), 'wrong version number')
  assert.equal(errorText(new Error(`write EPROTO ${places}no suites${where}`)), 'write EPROTO no suites')
})
