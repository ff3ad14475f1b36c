/** What needs a real process: the bin, its signals and exit codes. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { formatAddress } from '../../../src/util/address.ts'
import { type Spawned, spawnNsqd } from '../../support/spawned.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { until } from '../../support/wait.ts'
import { filesIn } from './fixtures.ts'

const BIN = fileURLToPath(new URL('../../../bin/nsq_to_file.js', import.meta.url))

interface Running {
  child: ChildProcess
  err: () => string
  finished: Promise<{ code: number | null; out: string; err: string }>
}

/** Runs `nsq_to_file` on this nsqd. */
function start(t: TestContext, nsqd: Spawned, args: string[]): Running {
  const flags = ['-topic', 't', '-nsqd-tcp-address', formatAddress(nsqd.tcp), ...args]
  const child = spawn(process.execPath, [BIN, ...flags], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env['PATH'] },
  })
  t.after(() => child.kill('SIGKILL'))
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()))
  const finished = new Promise<{ code: number | null; out: string; err: string }>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', code => resolve({ code, ...texts }))
  })
  return { child, err: () => texts.err, finished }
}

async function publish(nsqd: Spawned, body: string): Promise<void> {
  await fetch(`http://${formatAddress(nsqd.http)}/pub?topic=t`, { method: 'POST', body })
}

test('SIGHUP begins a new file, SIGTERM completes what there is', async t => {
  const folder = temporaryFolder()
  const nsqd = await spawnNsqd(t, temporaryFolder())
  await publish(nsqd, 'one')
  // Without -skip-empty-files the first file could be one of before the message came.
  const flags = ['-output-dir', folder, '-gzip', '-sync-interval', '10ms', '-skip-empty-files', '--json']
  const { child, err, finished } = start(t, nsqd, flags)
  await until(() => err().includes('INFO: opened'), err)
  child.kill('SIGHUP')
  await until(() => err().includes('INFO: completed'), err)
  await publish(nsqd, 'two')
  await until(() => err().split('INFO: opened').length === 3, err)
  child.kill('SIGTERM')
  const { code, out } = await finished
  assert.equal(code, 0)
  assert.match(out, /^\{"messages":2,"bytes":8,"files":2,.*"ended":"signal","ok":true\}\n$/)
  assert.deepEqual([...(await filesIn(folder)).values()], ['one\n', 'two\n'])
})

test('a second signal ends it at once, and the next run takes up what it left', async t => {
  const folder = temporaryFolder()
  const nsqd = await spawnNsqd(t, temporaryFolder())
  await publish(nsqd, 'one')
  const flags = [
    '-output-dir',
    folder,
    '-work-dir',
    join(folder, 'work'),
    '--filename-format',
    '<TOPIC><REV>.log',
    // The first file is to be that of the message.
    '-skip-empty-files',
  ]
  const first = start(t, nsqd, [...flags, '-sync-interval', '10ms'])
  await until(() => first.err().includes('INFO: opened'), first.err)
  // At the first signal it takes leave of an nsqd that does not answer.
  process.kill(nsqd.pid, 'SIGSTOP')
  // Two that come too close to each other are one to the system.
  const kills = setInterval(() => first.child.kill('SIGTERM'), 100)
  t.after(() => clearInterval(kills))
  assert.equal((await first.finished).code, 143, first.err())
  clearInterval(kills)
  process.kill(nsqd.pid, 'SIGCONT')
  await publish(nsqd, 'two')
  const second = await start(t, nsqd, [...flags, '--until-empty']).finished
  assert.equal(second.code, 0, second.err)
  const bodies = new Set([...(await filesIn(folder)).values()].flatMap(text => text.trimEnd().split('\n')))
  assert.deepEqual([...bodies].sort(), ['one', 'two'])
})
