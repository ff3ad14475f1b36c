import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bytesCut, readBody } from '../../../src/nsqadmin/ui/messages/body-kind.ts'
import { bodyBytes, bodyText, bytesOfBase64 } from '../../../src/nsqadmin/ui/messages/bytes.ts'
import { hexDump, hexRows } from '../../../src/nsqadmin/ui/messages/hex.ts'
import { visibleRuns, visibleText } from '../../../src/nsqadmin/ui/visible.ts'

function base64(bytes: Uint8Array, size = bytes.length) {
  return { body: Buffer.from(bytes).toString('base64'), encoding: 'base64', size } as const
}

function utf8(body: string) {
  return { body, encoding: 'utf8', size: Buffer.byteLength(body) } as const
}

test('a hex dump is what hexdump -C writes', () => {
  const bytes = Uint8Array.from({ length: 35 }, (_, i) => (i * 37 + 10) % 256)
  assert.equal(
    hexDump(bytes),
    [
      '00000000  0a 2f 54 79 9e c3 e8 0d  32 57 7c a1 c6 eb 10 35  |./Ty....2W|....5|',
      '00000010  5a 7f a4 c9 ee 13 38 5d  82 a7 cc f1 16 3b 60 85  |Z.....8].....;`.|',
      '00000020  aa cf f4                                          |...|',
    ].join('\n'),
  )
  assert.deepEqual(hexRows(bytes, 16, 32), hexRows(bytes, 0, 35).slice(1, 2))
  assert.equal(hexDump(new Uint8Array()), '')
})

test('what a browser would hide or turn around is named instead', () => {
  assert.deepEqual(visibleRuns('plain ünïcode 👩‍👩‍👧 שלום\n\ttext'), [{ text: 'plain ünïcode 👩‍👩‍👧 שלום\n\ttext' }])
  assert.equal(visibleText('\x1b[31mred\x07\r\n'), '‹ESC›[31mred‹BEL›‹CR›\n')
  assert.equal(visibleText('a\u202ecod.exe\u2066'), 'a‹RLO›cod.exe‹LRI›')
  assert.equal(visibleText('\ufeffx\u200by\u00adz\u0085'), '‹BOM›x‹ZWSP›y‹SHY›z‹U+0085›')
  assert.equal(visibleText('tag\u{e0041}\u{e007f}'), 'tag‹U+E0041›‹U+E007F›')
  assert.equal(visibleText('half\ud800'), 'half‹U+D800›')
  assert.equal(visibleText('<b>&amp;'), '<b>&amp;')
})

test('the same hidden character many times is named once', () => {
  assert.deepEqual(visibleRuns(`a${'\0'.repeat(1000)}b`), [
    { text: 'a' },
    { label: 'NUL×1000', title: 'U+0000 control character, 1000 times' },
    { text: 'b' },
  ])
  assert.equal(visibleText('\u{e0041}\u{e0041}\0\x01'), '‹U+E0041×2›‹NUL›‹SOH›')
})

test('bodies come as text or base64, and are bytes either way', () => {
  assert.deepEqual([...bodyBytes(utf8('aé'))], [0x61, 0xc3, 0xa9])
  assert.deepEqual([...bodyBytes(base64(Uint8Array.of(0, 255, 128)))], [0, 255, 128])
  assert.throws(() => bytesOfBase64('*'))
  assert.equal(bodyText(base64(Uint8Array.of(0, 255, 128))), undefined)
  assert.equal(bodyText(base64(Buffer.from('\ufeffaé'))), '\ufeffaé')
})

test('a body that was cut inside a character is still text', () => {
  const whole = Buffer.from('{"a":"é€😀')
  for (let length = 1; length < whole.length; length++) {
    const text = bodyText(base64(whole.subarray(0, length), 100))
    assert.ok(text !== undefined && '{"a":"é€😀'.startsWith(text), String(length))
  }
  assert.equal(bodyText(base64(whole.subarray(0, 10), 10)), undefined, 'not cut: then it is not UTF-8')
  assert.equal(bodyText(base64(Buffer.of(0x80, 0x80, 0x80, 0x80, 0x80), 9)), undefined)
})

test('a body is read as JSON, text or bytes', () => {
  assert.equal(readBody(utf8('{"a":1}')).kind, 'json')
  assert.equal(readBody(utf8('{"a":')).kind, 'text')
  assert.equal(readBody({ ...utf8('{"a":'), size: 9 }).kind, 'json')
  assert.equal(readBody(utf8('plain \x1b[1mbold\x1b[0m')).kind, 'text')
  assert.equal(readBody(utf8('')).kind, 'text')
  assert.equal(readBody(utf8('a\0b\0c\0')).kind, 'binary')
  assert.equal(readBody(base64(Uint8Array.of(255, 254))).kind, 'binary')
})

test('how much of a body is missing', () => {
  assert.equal(bytesCut({ size: 10 }, new Uint8Array(4)), 6)
  assert.equal(bytesCut({ size: 4 }, new Uint8Array(4)), 0)
})
