import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasPassword, withoutPassword } from '../../src/util/password.ts'

test('a password in a URL is not shown, and nothing else is changed', () => {
  for (const [address, shown] of [
    ['https://ada:secret@host:4161/stats', 'https://ada:***@host:4161/stats'],
    ['http://ada:p@ss:word@host', 'http://ada:***@host'],
    ['http://:secret@host/a@b:c@d', 'http://:***@host/a@b:c@d'],
    ['HTTPS://ada:secret@host', 'HTTPS://ada:***@host'],
    // Where HOST:PORT will do, this does as well.
    ['ada:secret@host:4161', 'ada:***@host:4161'],
    [':secret@host:4161', ':***@host:4161'],
    ['https://ada@host', 'https://ada@host'],
    ['host:4161/ada:secret@host', 'host:4161/ada:secret@host'],
    ['[::1]:4161', '[::1]:4161'],
    ['a word: ada@host', 'a word: ada@host'],
    ['http://host/ada:secret@host', 'http://host/ada:secret@host'],
    ['host:4161', 'host:4161'],
  ] as const) {
    assert.equal(withoutPassword(address), shown)
    assert.equal(hasPassword(address), shown !== address)
  }
})
