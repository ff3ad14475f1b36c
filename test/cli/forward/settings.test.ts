/** What flags come to, and which do not go together. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { forwardOptions } from '../../../src/cli/commands/forward.ts'
import { forwardSettings, type ForwardSettings } from '../../../src/cli/forward/settings.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { type GivenOptions, resolveOptions } from '../../../src/util/option-values.ts'
import { fakeSurroundings } from '../fakes.ts'

const POST = ['http://h/']

function settings(
  given: GivenOptions,
  program = 'nsq-ts forward',
  positionals: string[] = [],
): ForwardSettings {
  const options = resolveOptions(forwardOptions, { topic: 't', ...given }, {})
  return forwardSettings({ options, positionals, program })
}

test('topics are named by flags and by arguments', () => {
  assert.deepEqual(settings({ post: POST, topic: ['a,b', 'c'] }, 'nsq_to_http', ['b,d']).topics, [
    'a',
    'b',
    'c',
    'd',
  ])
})

test('a POST has a type, that of its batches, or the one given', () => {
  const typeOf = (given: GivenOptions) =>
    settings({ post: POST, ...given }).targets[0]?.headers['content-type']
  assert.equal(typeOf({}), 'application/octet-stream')
  assert.equal(typeOf({ batch: '2' }), 'application/json')
  assert.equal(typeOf({ batch: '2', 'batch-format': 'ndjson' }), 'application/x-ndjson')
  assert.equal(typeOf({ batch: '2', 'content-type': 'text/x' }), 'text/x')
  assert.equal(typeOf({ header: ['Content-Type: text/y'], 'content-type': 'text/x' }), 'text/y')
  assert.equal(settings({ get: ['http://h/%s'] }).targets[0]?.headers['content-type'], undefined)
})

test('each endpoint is there once', () => {
  assert.deepEqual(
    settings({ post: ['http://b/', 'http://a/', 'http://b/'] }).targets.map(({ name }) => name),
    ['http://b/', 'http://a/'],
  )
})

function inFlight(given: GivenOptions): number {
  return settings({ post: POST, ...given }).maxInFlight
}

test('as many may be in flight as there is a use for', () => {
  assert.equal(inFlight({}), 200)
  assert.equal(inFlight({ n: '500' }), 500)
  assert.equal(inFlight({ batch: '10' }), 1000)
  assert.equal(inFlight({ batch: '100' }), 2500)
  assert.equal(inFlight({ batch: '5000' }), 10_000)
  assert.equal(inFlight({ batch: '100000', n: '100' }), 200_000)
  assert.equal(inFlight({ batch: '100', 'max-in-flight': '7' }), 7)
})

describe('is a usage error', () => {
  const cases: [string, GivenOptions, RegExp][] = [
    ['no topic', { topic: [], post: POST }, /--topic is missing/],
    ['a bad topic', { topic: 'a b', post: POST }, /"a b" is not the name of a topic/],
    ['a bad channel', { channel: '', post: POST }, /not the name of a channel/],
    ['no endpoint', {}, /--post or --get is missing/],
    ['endpoints of both kinds', { post: POST, get: ['http://h/%s'] }, /exclude each other/],
    ['a GET without a place', { get: ['http://h/'] }, /has no place for the body/],
    ['a type of a GET', { get: ['http://h/%s'], 'content-type': 'x' }, /--content-type is for --post/],
    ['batches of GETs', { get: ['http://h/%s'], batch: '2' }, /--batch is for --post/],
    ['a format without batches', { post: POST, 'batch-format': 'json' }, /--batch-format is for batches/],
    ['dead letters that come back', { post: POST, 'dead-letter-topic': 't' }, /would come again for ever/],
    ['a bad name for dead letters', { post: POST, 'dead-letter-topic': 'a b' }, /not the name of a topic/],
  ]
  for (const [what, given, message] of cases) {
    test(what, () => {
      assert.throws(
        () => settings(given),
        (error: Error) => error.name === 'UsageError' && message.test(error.message),
      )
    })
  }

  for (const args of [
    ['--mode', 'multicast'],
    ['--sample', '1.1'],
    ['--n', '0'],
    ['--batch', '0'],
  ]) {
    test(args.join(' '), async () => {
      const around = fakeSurroundings()
      const all = ['forward', 't', '--post', 'http://h/', ...args]
      assert.equal(await runProgram('nsq-ts', all, commands, around), 2)
      assert.match(around.err(), new RegExp(`-${args[0]?.replaceAll('-', '')}`))
    })
  }
})
