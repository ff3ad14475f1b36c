import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Pattern } from '../../src/util/pattern.ts'

describe('a pattern matches anywhere, as in Go', () => {
  const cases: [source: string, yes: readonly string[], no: readonly string[]][] = [
    ['', ['', 'a'], []],
    ['.*', ['', 'a', 'a.b#ephemeral'], []],
    ['orders', ['orders', 'old-orders-2'], ['order', '']],
    ['^orders$', ['orders'], ['orders2', 'old-orders']],
    ['^(orders|bills)(_v\\d+)?$', ['orders', 'bills_v12'], ['orders_v', 'ordersbills']],
    ['a|b|', ['', 'x'], []],
    ['^a+b*c?$', ['a', 'aabbc', 'ac'], ['', 'b', 'abcc']],
    ['^a{2}$', ['aa'], ['a', 'aaa']],
    ['^a{2,}$', ['aa', 'aaaa'], ['a']],
    ['^a{1,3}$', ['a', 'aaa'], ['', 'aaaa']],
    ['^a{0,1}b{0}$', ['', 'a'], ['b', 'aa']],
    ['^(a{2}){1,2}$', ['aa', 'aaaa'], ['aaa']],
    ['^a{,3}$', ['a{,3}'], ['aaa']],
    ['^x{y}$', ['x{y}'], []],
    ['^a+?b*?$', ['aab'], ['b']],
    ['^(a*)*$', ['', 'aaa'], ['b']],
    ['^(|a)+$', ['', 'aa'], ['b']],
    ['^[a-c_-]+$', ['abc_-'], ['d', '']],
    ['^[^a-c]$', ['d', '\n'], ['a']],
    ['^[]a]$', [']', 'a'], ['b']],
    ['^[\\]\\-a]+$', [']-a'], ['b']],
    ['^[\\d.]+$', ['1.2'], ['a']],
    ['^[[:alpha:][:digit:]_]+$', ['aZ_9'], ['-']],
    ['^[[:^digit:]]+$', ['abc'], ['1']],
    ['^\\w+\\W\\D\\S\\s$', ['ab-cd '], ['ab cd']],
    ['\\.log$', ['app.log'], ['applog']],
    ['^\\x41\\x{42}\\103$', ['ABC'], ['abc']],
    ['^\\Qa.b+\\Ec$', ['a.b+c'], ['axbbc']],
    ['\\Qab\\E+$', ['abb'], ['a']],
    ['\\Aab\\z', ['ab'], ['abc']],
    ['\\bcat\\b', ['a cat', 'cat.x'], ['concat', 'cats']],
    ['\\Bcat', ['concat'], ['cat']],
    ['(?i)^ORDERS[a]$', ['ordersA'], ['orders']],
    ['^(?i:A)b$', ['ab', 'Ab'], ['aB']],
    ['^((?i)a)b$', ['Ab'], ['AB']],
    ['(?i)^[^a]$', ['b'], ['A', 'a']],
    ['^.$', ['a', '😀'], ['\n']],
    ['(?s)^.$', ['\n'], []],
    ['(?m)^b$', ['a\nb\nc'], ['ab']],
    ['(?m-i)b', ['b'], ['B']],
    ['^(?P<name>a)(?<other>b)(?:c)$', ['abc'], []],
    ['^\\pL\\p{Greek}\\P{Lu}\\p{^Lu}$', ['aαbc'], ['aαBc', '1αbc']],
  ]
  for (const [source, yes, no] of cases) {
    test(JSON.stringify(source), () => {
      const pattern = new Pattern(source)
      for (const text of yes) assert.equal(pattern.test(text), true, JSON.stringify(text))
      for (const text of no) assert.equal(pattern.test(text), false, JSON.stringify(text))
    })
  }
})

describe('refuses what Go refuses', () => {
  const cases: [source: string, error: RegExp][] = [
    ['(', /missing closing \)/],
    ['a)', /unexpected \)/],
    ['[a', /missing closing \]/],
    ['[', /missing closing \]/],
    ['[b-a]', /invalid character class range b-a/],
    ['[[:nope:]]', /invalid character class range/],
    ['*', /missing argument/],
    ['a|+', /missing argument/],
    ['(?i)*', /missing argument/],
    ['a**', /invalid nested repetition/],
    ['a{2}{3}', /invalid nested repetition/],
    ['a*?+', /invalid nested repetition/],
    ['a{1001}', /invalid repeat count/],
    ['a{2,1}', /invalid repeat count/],
    ['a\\', /trailing backslash/],
    ['\\y', /invalid escape sequence/],
    ['\\Z', /invalid escape sequence/],
    ['(a)\\1', /invalid escape sequence/],
    ['\\x{110000}', /invalid escape sequence/],
    ['\\p{Nope}', /invalid character class range/],
    ['a(?=b)', /Perl syntax/],
    ['a(?!b)', /Perl syntax/],
    ['(?<=a)b', /group name|Perl syntax/],
    ['(?z)a', /Perl syntax/],
    ['(?P<a>x)(?P<a>y)', /duplicate group name/],
    ['(?P<a-b>x)', /invalid group name/],
    ['(((a{100}){100}){100})', /too large/],
    ['('.repeat(2000), /nested too deeply/],
  ]
  for (const [source, error] of cases) {
    test(JSON.stringify(source.slice(0, 40)), () => {
      assert.throws(
        () => new Pattern(source),
        thrown => thrown instanceof RangeError && error.test(thrown.message),
      )
    })
  }
})

test('takes no longer for expressions that others choke on', () => {
  const text = `${'a'.repeat(60)}!`
  for (const source of [
    '^(a+)+$',
    '^(a|aa)+$',
    '^(a*)*b$',
    '^(.*a){20}$',
    `^${'a?'.repeat(60)}${'a'.repeat(60)}$`,
  ]) {
    assert.equal(new Pattern(source).test(text), false)
  }
})

test('agrees with JavaScript where both read the same', () => {
  const alphabet = [
    'a',
    'b',
    '.',
    '(a|b)',
    '[ab]',
    '[^a]',
    'a*',
    '(ab)+',
    'b?',
    'a{1,2}',
    '^',
    '$',
    '\\b',
    '(|a)',
  ]
  const texts = ['', 'a', 'b', 'ab', 'ba', 'aab', 'abab', 'bbb', 'a b', 'c']
  for (const x of alphabet) {
    for (const y of alphabet) {
      for (const z of alphabet) {
        const source = x + y + z
        const [ours, theirs] = [new Pattern(source), new RegExp(source)]
        for (const text of texts) {
          assert.equal(ours.test(text), theirs.test(text), `${source} on ${JSON.stringify(text)}`)
        }
      }
    }
  }
})
