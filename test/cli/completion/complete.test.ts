import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { commands } from '../../../src/cli/commands.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { ask, offered } from './rig.ts'

describe('completion offers', () => {
  test('commands, each with what it does; groups once', async () => {
    const { candidates } = await ask(['nsq-ts', ''])
    const summaries = new Map(candidates.map(({ value, describe }) => [value, describe]))
    assert.equal(summaries.get('tail'), 'Print the messages of topics as they come')
    assert.equal(summaries.get('topic'), 'List, create, delete, empty, pause and unpause topics')
    assert.equal(summaries.size, candidates.length)
    for (const { name } of commands) assert.ok(summaries.has(name.split(' ')[0] ?? ''), name)
    assert.ok(summaries.has('help') && summaries.has('--version') && !summaries.has('complete'))
  })

  test('the second words of a group, and after help', async () => {
    const verbs = ['list', 'create', 'delete', 'empty', 'pause', 'unpause']
    assert.deepEqual(await offered(['topic', 'cr']), verbs)
    assert.deepEqual(await offered(['help', 'topic', '']), verbs)
    assert.ok((await offered(['help', ''])).includes('tail'))
    assert.deepEqual(await offered(['help', 'tail', '']), [])
    assert.deepEqual(await offered(['nonsense', '']), [])
  })

  test('a longer command beside the arguments of a shorter one', async () => {
    assert.ok((await offered(['archive', ''])).includes('verify'))
    const answer = await ask(['nsq-ts', 'archive', 'verify', ''])
    assert.deepEqual([answer.candidates, answer.files], [[], 'folders'])
  })

  test('flags with as many dashes as were typed, and letters with one', async () => {
    const two = await offered(['tail', '--'])
    assert.ok(two.includes('--topic') && two.includes('--log-level') && !two.includes('-n'))
    assert.ok(two.every(flag => flag.startsWith('--')))
    const one = await offered(['tail', '-t'])
    assert.ok(one.includes('-topic') && one.includes('-n') && !one.includes('--topic'))
    const open = await offered(['tail', '-'])
    assert.ok(open.includes('--topic') && open.includes('-n') && open.includes('-h'))
  })

  test('flags of an official name, whatever the path to it', async () => {
    const { candidates } = await ask(['./node_modules/.bin/nsq_tail', '-t'])
    assert.deepEqual(
      candidates.find(({ value }) => value === '-print-topic'),
      { value: '-print-topic', describe: 'Print the topic before each message' },
    )
  })

  test('what was given no second time, unless it may be repeated', async () => {
    const flags = await offered(['tail', '--json', '--format=x', '--topic', 'a', '-n', '3', '--'])
    for (const flag of ['--json', '--format', '-n']) assert.ok(!flags.includes(flag), flag)
    assert.ok(flags.includes('--topic'))
  })

  test('how to turn off what is on', async () => {
    assert.ok((await offered(['dev', '--'])).includes('--no-admin'))
    assert.ok(!(await offered(['dev', '--no-admin', '--'])).includes('--admin'))
  })

  test('values of a flag, after a space and after an equals sign', async () => {
    const levels = ['debug', 'info', 'warn', 'error', 'fatal']
    assert.deepEqual(await offered(['tail', '--log-level', '']), levels)
    assert.deepEqual(await offered(['tail', '-log-level', 'd']), levels)
    const { prefix } = await ask(['nsq-ts', 'tail', '--log-level=d'])
    assert.equal(prefix, '--log-level=')
    assert.deepEqual(await offered(['tail', '--log-level=d']), levels)
    assert.deepEqual(await offered(['tail', '-json=']), ['true', 'false'])
    assert.deepEqual(await offered(['pub', '--rate', '']), [])
    assert.deepEqual(await offered(['tail', '--nonsense=']), [])
  })

  test('a value may begin with a dash, have spaces, quotes and colons', async () => {
    const words = ['pub', '--delimiter', '--', '--producer-opt', `a "b":'c'`, '--input']
    assert.deepEqual(await offered([...words, '']), ['lines', 'jsonl', 'length', 'whole'])
  })

  test('files and folders for paths', async () => {
    for (const [words, files] of [
      [['tail', '--tls-ca', ''], 'files'],
      [['tail', '--tls-ca='], 'files'],
      [['archive', '--output', ''], 'folders'],
      [['nsqd', '--config', ''], 'files'],
      [['replay', ''], 'files'],
      [['tail', '--format', ''], 'none'],
    ] as const) {
      assert.equal((await ask(['nsq-ts', ...words])).files, files, words.join(' '))
    }
  })

  test('shells', async () => {
    assert.deepEqual(await offered(['completion', '']), ['bash', 'zsh', 'fish'])
    assert.deepEqual(
      (await offered(['completion', 'bash', ''])).filter(value => !value.startsWith('-')),
      [],
    )
  })

  test('flags where nothing else can stand, but no new names', async () => {
    assert.ok((await offered(['nodes', ''])).includes('--json'))
    assert.ok((await offered(['topic', 'create', ''])).every(value => value.startsWith('--')))
  })

  test('nothing but arguments after two dashes', async () => {
    assert.deepEqual(await offered(['nodes', '--', '--j']), [])
  })

  test('contexts', async () => {
    const folder = temporaryFolder()
    mkdirSync(folder, { recursive: true })
    const file = '[contexts.prod]\nlookupd-http-address = ["10.0.0.1:4161"]\n[contexts.staging]\n'
    writeFileSync(join(folder, 'contexts.toml'), file)
    const env = { NSQ_CONFIG_DIR: folder }
    assert.deepEqual(await offered(['tail', '--context', ''], env), ['prod', 'staging'])
    assert.deepEqual(await offered(['context', 'use', ''], env), ['prod', 'staging'])
    assert.deepEqual(await offered(['context', 'remove', 'prod', ''], env), ['staging'])
    assert.ok(!(await offered(['context', 'add', ''], env)).includes('prod'))
    assert.deepEqual(await offered(['mirror', '--destination-context='], env), ['prod', 'staging'])
  })
})
