/** The scripts, in the shells that they are for. */
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import { commands } from '../../../src/cli/commands.ts'
import type { Cluster } from '../../../src/cli/dev/cluster.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { fakeSurroundings } from '../fakes.ts'
import { startCluster } from './rig.ts'

const ROOT = new URL('../../../', import.meta.url)
const PATIENCE_MS = 120_000
/** With nsq-ts in it, a certificate `ca.pem`, a folder `out dir`, and nothing else. */
const folder = temporaryFolder()

let cluster: Cluster

before(async () => {
  cluster = await startCluster()
  const bin = fileURLToPath(new URL('bin/nsq-ts.js', ROOT))
  const file = join(folder, 'nsq-ts')
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${bin}' "$@"\n`)
  chmodSync(file, 0o755)
  writeFileSync(join(folder, 'ca.pem'), '')
})

after(() => cluster.close())

function missing(shell: string): string | false {
  return spawnSync(shell, ['-c', 'true']).error === undefined ? false : `${shell} is not installed`
}

/** What a driver prints for these lines. */
function drive(shell: string, flags: readonly string[], name: string, ...args: string[]): Promise<string> {
  const driver = fileURLToPath(new URL(`drivers/drive.${name}`, import.meta.url))
  const script = fileURLToPath(new URL(`completion/nsq-ts.${name}`, ROOT))
  const env = {
    PATH: `${folder}:${process.env['PATH']}`,
    HOME: folder,
    TERM: 'xterm',
    LC_ALL: 'C.UTF-8',
    NSQ_COMPLETION_TIMEOUT: '30s',
    NSQ_LOOKUPD_HTTP_ADDRESS: cluster.lookupds[0]?.http ?? '',
  }
  return new Promise((resolve, reject) => {
    const child = spawn(shell, [...flags, driver, script, ...args], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: PATIENCE_MS,
    })
    const texts = { out: '', err: '' }
    child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()))
    child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()))
    child.on('error', reject)
    child.on('close', code => {
      if (code === 0 && texts.err === '') resolve(texts.out)
      else reject(new Error(`${shell} exited with ${code}: ${texts.err}\n${texts.out}`))
    })
  })
}

/** The block of each line, in order. */
function blocks(output: string): string[][] {
  return output
    .trimEnd()
    .split('\n\n')
    .map(block => block.split('\n'))
}

describe('bash', { skip: missing('bash') }, () => {
  test('gets what replaces the word, as it divides words', async () => {
    const output = await drive(
      'bash',
      ['--norc', '--noprofile'],
      'bash',
      'nsq-ts topic cr',
      'nsq-ts archive --',
      'nsq-ts tail --topic=or',
      `nsq-ts tail --format 'a: "b"' --topic orders --channel `,
      'nsq-ts tombstone orders 127.0.0.1:',
      `${folder}/nsq_tail -topic events -chan`,
      'nsq-ts tail --tls-ca ca',
      'nsq-ts tail --topic events --channel "m',
    )
    const [create, flags, topic, channels, nsqd, official, file, quoted] = blocks(output)
    assert.deepEqual(create, ['create'])
    assert.match(flags?.join('\n') ?? '', /^--gzip +\(Compress with gzip\)$/m)
    assert.ok(flags?.every(line => line.length < 80))
    assert.deepEqual(topic, ['orders'])
    assert.deepEqual(channels, ['billing', 'shipping'])
    assert.deepEqual(nsqd, [cluster.nsqds[0]?.http.split(':')[1]])
    assert.deepEqual(official, ['-channel'])
    assert.deepEqual(file, ['ca.pem'])
    assert.deepEqual(quoted, ['mail#ephemeral'])
  })
})

describe('zsh', { skip: missing('zsh') }, () => {
  test('completes a line that is typed', async () => {
    const file = join(temporaryFolder(), 'lines')
    const lines = {
      'nsq-ts topic cr': 'nsq-ts topic create ',
      'nsq-ts topic ': 'nsq-ts topic ',
      'nsq-ts tail --topic=or': 'nsq-ts tail --topic=orders ',
      [`nsq-ts tail --format 'a: "b"' --topic orders --channel b`]: `nsq-ts tail --format 'a: "b"' --topic orders --channel billing `,
      'nsq-ts tombstone orders 127.0.0.1:': `nsq-ts tombstone orders ${cluster.nsqds[0]?.http} `,
      [`${folder}/nsq_tail -topic events -chan`]: `${folder}/nsq_tail -topic events -channel `,
      'nsq-ts tail --tls-ca=ca': 'nsq-ts tail --tls-ca=ca.pem ',
      'nsq-ts tail --topic events --channel "m': 'nsq-ts tail --topic events --channel "mail#ephemeral" ',
    }
    const screen = await drive('zsh', ['-f'], 'zsh', file, ...Object.keys(lines))
    const [, ...completed] = readFileSync(file, 'utf8').trimEnd().split('\n')
    assert.deepEqual(
      completed.map(line => line.trimEnd()),
      Object.values(lines).map(line => line.trimEnd()),
    )
    assert.match(stripVTControlCharacters(screen), /^delete +-- Delete topics, with their channels/m)
  })
})

describe('fish', { skip: missing('fish') }, () => {
  test('gets whole words with descriptions', async () => {
    const output = await drive(
      'fish',
      ['--no-config'],
      'fish',
      'nsq-ts topic cr',
      'nsq-ts archive --gz',
      'nsq-ts tail --topic=or',
      `nsq-ts tail --format 'a: "b"' --topic orders --channel `,
      'nsq-ts tombstone orders 127.0.0.1:',
      `${folder}/nsq_tail -topic events -chan`,
      'nsq-ts tail --tls-ca=ca',
      'nsq-ts tail --topic events --channel "m',
    )
    const [create, flags, topic, channels, nsqd, official, file, quoted] = blocks(output)
    assert.deepEqual(create, ['create\tCreate topics'])
    assert.deepEqual(flags, ['--gzip\tCompress with gzip', '--gzip-level\tHow hard gzip tries'])
    assert.deepEqual(topic, ['--topic=orders'])
    assert.deepEqual(channels, ['billing', 'shipping'])
    assert.deepEqual(nsqd, [cluster.nsqds[0]?.http])
    assert.match(official?.join('\n') ?? '', /^-channel\t.+$/)
    assert.deepEqual(file, ['--tls-ca=ca.pem'])
    assert.deepEqual(quoted, ['mail#ephemeral'])
  })
})

async function run(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const around = fakeSurroundings()
  const code = await runProgram('nsq-ts', args, commands, around)
  return { code, out: around.out(), err: around.err() }
}

describe('nsq-ts completion', () => {
  for (const shell of ['bash', 'zsh', 'fish']) {
    test(`prints the script for ${shell}, which is for every program of the package`, async () => {
      const { code, out } = await run('completion', shell)
      assert.equal(code, 0)
      assert.equal(out, readFileSync(new URL(`completion/nsq-ts.${shell}`, ROOT), 'utf8'))
      const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
      assert.ok(typeof manifest === 'object' && manifest !== null)
      const programs = Object.keys(Object(Reflect.get(manifest, 'bin'))).join(' ')
      const lists = out.replaceAll('\\\n  ', '').match(/nsq-ts nsq_[\w -]+\w/g) ?? []
      assert.deepEqual([...new Set(lists)], [programs])
    })
  }

  test('refuses what is no shell', async () => {
    const { code, err } = await run('completion', 'fisch')
    assert.equal(code, 2)
    assert.match(err, /"fisch" is no shell that can be helped\n {2}Did you mean fish\?/)
    assert.match((await run('completion')).err, /which shell is it for\?\n {2}There are bash, zsh, fish\./)
  })

  test('a question that makes no sense gets no answer, and no words', async () => {
    assert.deepEqual(await run('complete', 'tcsh'), { code: 2, out: '', err: '' })
    assert.deepEqual(await run('complete', 'zsh', 'nsq-ts', 'nonsense', ''), { code: 0, out: ':\n', err: '' })
  })
})
