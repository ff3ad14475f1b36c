/** What the command does not take. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { mirrorOptions, type MirrorOptions } from '../../../src/cli/commands/mirror.ts'
import { mirrorSettings, type MirrorSettings } from '../../../src/cli/mirror/settings.ts'
import type { OptionValues } from '../../../src/util/option.ts'
import { resolveOptions } from '../../../src/util/option-values.ts'
import { loadUserFunction } from '../../../src/cli/user-module.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { moduleOf, startMirror } from './rig.ts'

const TO = ['--destination-nsqd-tcp-address', '127.0.0.1:1']

function settingsOf(given: Partial<OptionValues<MirrorOptions>>): MirrorSettings {
  const options = { ...resolveOptions(mirrorOptions, {}, {}), ...given }
  return mirrorSettings({ program: 'nsq_to_nsq', options, positionals: ['logs'] })
}

describe('mirror: usage', () => {
  for (const [what, args, pattern] of [
    ['no topic', TO, /--topic is missing/],
    ['no destination', ['logs'], /--destination-nsqd-tcp-address is missing/],
    ['a bad topic', ['no good', ...TO], /"no good" is not the name of a topic/],
    ['a bad channel', ['logs', ...TO, '--channel', 'a b'], /"a b" is not the name of a channel/],
    ['a bad other topic', ['logs', ...TO, '--destination-topic', '?'], /"\?" is not the name of a topic/],
    ['an unknown mode', ['logs', ...TO, '--mode', 'random'], /"random" is not one of round-robin, hostpool/],
    ['a value of no field', ['logs', ...TO, '--require-json-value', '1'], /needs --require-json-field/],
    ['no such file', ['logs', ...TO, '--filter', './none.js'], /--filter: there is no file \/\S*none\.js/],
    ['an unknown option', ['logs', ...TO, '--producer-opt', 'tls_v2,1'], /Did you mean tls_v1\?/],
    ['a URL', ['logs', '--destination-nsqd-tcp-address', 'http://a'], /is a URL: write it like/],
    [
      'an unknown context',
      ['logs', '--destination-context', 'prod'],
      /--destination-context: there is no context "prod"/,
    ],
  ] as const) {
    test(what, async t => {
      const { code, err } = await startMirror(t, args, { env: { NSQ_CONFIG_DIR: temporaryFolder() } }).done
      assert.equal(code, 2, err)
      assert.match(err, pattern)
    })
  }

  for (const [what, text, pattern] of [
    [
      'does not parse',
      'export default (((',
      /module\.mjs cannot be loaded: .*\n.*node --check shows the line/,
    ],
    ['throws', 'throw new Error("boom")', /module\.mjs cannot be loaded: boom/],
    ['misses another', 'import "./none.mjs"', /cannot be loaded: .*none\.mjs/],
    ['exports nothing', 'export const map = () => 1', /has no function as its default export/],
  ] as const) {
    test(`a module that ${what}`, async t => {
      const { code, err } = await startMirror(t, ['logs', ...TO, '--map', moduleOf(text)]).done
      assert.equal(code, 2, err)
      assert.match(err, pattern)
    })
  }

  test('a module that does not come to its end', async t => {
    const path = moduleOf('await new Promise(() => {})\nexport default () => true')
    await assert.rejects(loadUserFunction('--map', path, '/', new AbortController().signal, 20), {
      message: /module\.mjs cannot be loaded: it took more than 0\.02 s/,
    })
    const { code } = await startMirror(t, ['logs', ...TO, '--map', path]).stop()
    assert.equal(code, 0)
  })

  test('what officially is as if it were not given', () => {
    const empty = { requireJsonField: '', requireJsonValue: '', destinationTopic: '' }
    const { rules, routes } = settingsOf(empty)
    assert.equal(rules, undefined)
    assert.deepEqual([...routes], [['logs', 'logs']])
    assert.equal(
      settingsOf({ ...empty, requireJsonField: 'a' }).rules?.faultOf(Buffer.from('{"a":1}')),
      undefined,
    )
  })
})
