import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parse } from 'smol-toml'
import { parseContextsToml, parsePlain, writeTable } from '../../../src/cli/context/toml.ts'
import { TomlDamage } from '../../../src/cli/toml.ts'

/** As the package reads it, in plain objects. */
function read(text: string): unknown {
  return JSON.parse(JSON.stringify(parse(text)))
}

const TABLE = {
  'lookupd-http-address': ['10.0.0.1:4161', 'https://b'],
  'nsqd-tcp-address': [],
  tls: true,
  snappy: false,
  'deflate-level': 6,
  'tls-ca': '/etc/ssl/Große CA, "neu" \\ [1].pem',
  'auth-secret': 'a"b\\c\u007f\u0000\n#=é',
}

describe('the TOML of contexts', () => {
  test('what is written is TOML', () => {
    const text = [...writeTable('prod', TABLE), ...writeTable('eu.west', { tls: true })].join('\n')
    assert.deepEqual(read(text), { contexts: { prod: TABLE, 'eu.west': { tls: true } } })
  })

  test('what we write ourselves is read without the package, and read the same', () => {
    const { 'auth-secret': _secret, 'tls-ca': _ca, ...plain } = TABLE
    const text = [
      '# mine',
      '  # indented',
      'current = "prod"\r',
      '',
      ...writeTable('prod', plain),
      ...writeTable('eu.west', { 'tls-ca': '/a b#c=d' }),
      ...writeTable('constructor', { list: ['x,y'] }),
      '[contexts.empty]',
      'a=["1",  "2"]',
      'b   =   0',
    ].join('\n')
    const parsed = parsePlain(text)
    assert.ok(parsed !== undefined)
    assert.deepEqual(JSON.parse(JSON.stringify(parsed)), read(text))
  })

  const beyond = [
    'current = "prod" # a comment behind',
    "current = 'prod'",
    'current = "pr\\u006fd"',
    'a = 1_000',
    'a = 007',
    'a = 1.5',
    'a = [1]',
    'a = ["x",]',
    'a = [\n"x"]',
    'a.b = 1',
    '"a" = 1',
    '[contexts]\nprod = { tls = true }',
    '[ contexts.prod ]',
    '[contexts.prod] # mine',
    '[contexts.prod.more]',
    '[[contexts.prod]]',
    'a = 1\na = 2',
    '[contexts.a]\n[contexts.a]',
    'contexts = 1\n[contexts.a]',
    '[contexts.a]\n[other]',
    'a =',
    '= 1',
    'a = "x" "y"',
    'a = "\u0001"',
    '# \u0001',
    '\u2028',
    'a = 1\u00a0',
    'a\u2003= 1',
    'a = ["x",\u00a0"y"]',
    'a = tru',
    'prod',
  ]
  for (const text of beyond) {
    test(`the package reads ${JSON.stringify(text)}`, async () => {
      assert.equal(parsePlain(text), undefined)
      let expected: unknown
      try {
        expected = read(text)
      } catch {
        await assert.rejects(parseContextsToml(text), TomlDamage)
        return
      }
      assert.deepEqual(JSON.parse(JSON.stringify(await parseContextsToml(text))), expected)
    })
  }

  test('damage is told by its line, and without what stands there', async () => {
    await assert.rejects(parseContextsToml('a = 1\nauth-secret = "top secret'), (error: unknown) => {
      assert.ok(error instanceof TomlDamage)
      assert.equal(error.line, 2)
      assert.doesNotMatch(error.message, /top|\n/)
      return true
    })
  })
})
