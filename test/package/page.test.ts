/** The page of nsqadmin as it is built and shipped: dist/nsqadmin/page. */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'

const PAGE = new URL('../../dist/nsqadmin/page/', import.meta.url)

const read = (name: string) => readFileSync(new URL(name, PAGE))
const html = () => read('index.html').toString()

test('all of the page together is under 150 KB gzipped', () => {
  const bytes = readdirSync(PAGE).reduce((sum, name) => sum + gzipSync(read(name)).length, 0)
  assert.ok(bytes > 20_000 && bytes < 150_000, `${bytes} bytes`)
})

test('the HTML has no script, style or handler of its own: the Content-Security-Policy allows none', () => {
  assert.doesNotMatch(html(), /<style|\sstyle=|\son\w+=|javascript:/i)
  for (const [, attributes = '', content] of html().matchAll(/<script([^>]*)>([^<]*)<\/script>/g)) {
    assert.match(attributes, /src="/)
    assert.equal(content, '')
  }
})

test('what the HTML loads is there, has a hash in its name, and is not of elsewhere', () => {
  const names = [...html().matchAll(/(?:src|href)="([^"]+)"/g)].flatMap(([, name]) => (name ? [name] : []))
  assert.equal(names[0], '/', 'first the base path, which the server puts in')
  assert.equal(names.length, 5)
  for (const name of names.slice(1)) {
    assert.match(name, /^[a-z]+-[A-Z0-9]{8}\.(js|css|svg)$/)
    assert.ok(read(name).length > 0)
  }
})

test('nothing in it is loaded from elsewhere, nor made of text', () => {
  for (const name of readdirSync(PAGE)) {
    const text = read(name).toString()
    if (name.endsWith('.css')) assert.doesNotMatch(text, /url\(|@import/)
    if (name.endsWith('.js'))
      assert.doesNotMatch(text, /\beval\(|new Function\(|importScripts|sourceMappingURL/)
  }
})

test('the licences of what is built in are with it', () => {
  const main = readdirSync(PAGE).find(name => name.startsWith('main-'))
  assert.ok(main)
  const text = read(main).toString()
  for (const owner of ['Jason Miller', 'Leon Sorokin']) assert.ok(text.includes(owner), owner)
  assert.equal(text.match(/THE SOFTWARE IS PROVIDED "AS IS"/g)?.length, 2)
})
