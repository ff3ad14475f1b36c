import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Compression } from '../../src/archive/compression.ts'
import { bundled } from '../support/bundled.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause } from '../support/wait.ts'
import { bodiesIn, filesIn, hiddenIn, openArchive, type Given } from './rig.ts'
import { SmallDisk } from '../support/small-disk.ts'

const PROGRAM = fileURLToPath(await bundled(new URL('crashing.ts', import.meta.url)))
/** How often each archive is killed: twice at least, as then two dead ones are found. */
const KILLS = Number(process.env['KILLS'] ?? 2)

/** Runs the program until it is killed, at any moment; returns the numbers of the messages that were finished. */
async function crash(given: Given, format: string, first: number): Promise<number[]> {
  const { output, work = '-', compression = 'none' } = given
  const args = [PROGRAM, output, work, compression, format, String(first)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(child.stdout, 'data')
  await pause(Math.random() * 60)
  const exited = once(child, 'close')
  child.kill('SIGKILL')
  assert.deepEqual(await exited, [null, 'SIGKILL'])
  // The last line may be torn, and is then no message that was told to be finished.
  const text = Buffer.concat(chunks).toString()
  return text.slice(0, text.lastIndexOf('\n')).split('\n').map(Number)
}

interface Case {
  name: string
  compression: Compression['name']
  format: string
  work?: 'same disk' | 'other disk'
}

const REVISION = '<TOPIC><REV>.log'
const PARTITIONS = 'hour=%H/<TOPIC><REV>.log'
const CASES: readonly Case[] = [
  { name: 'in place, plain', compression: 'none', format: REVISION },
  { name: 'in place, gzip, partitions', compression: 'gzip', format: PARTITIONS },
  { name: 'with a work folder, plain', compression: 'none', format: REVISION, work: 'same disk' },
  { name: 'with a work folder, gzip', compression: 'gzip', format: PARTITIONS, work: 'same disk' },
  { name: 'with a work folder elsewhere, zstd', compression: 'zstd', format: REVISION, work: 'other disk' },
]

async function foldersOf(
  t: TestContext,
  { work }: Case,
): Promise<Pick<Given, 'output' | 'work'> | undefined> {
  const output = temporaryFolder()
  if (work === undefined) return { output }
  const path = work === 'same disk' ? temporaryFolder() : SmallDisk.mount(t, 64 * 1024 * 1024)?.path
  return path === undefined ? undefined : { output, work: path }
}

describe('an archive that is killed', () => {
  for (const one of CASES) {
    test(`has all that was finished, and only files that can be read: ${one.name}`, async t => {
      const folders = await foldersOf(t, one)
      if (folders === undefined) return
      const { compression, format } = one
      const given: Given = { ...folders, compression, names: { format } }
      const finished: number[] = []
      for (let kill = 0; kill < KILLS; kill++) {
        finished.push(...(await crash(given, format, kill * 1_000_000)))
        // Every other time the next run finds two dead ones.
        if (kill % 2 === 0) continue
        const { archiver, log } = await openArchive(t, given)
        await archiver.close()
        assert.deepEqual(log.warnings, [])
        assert.equal(archiver.progress.waiting, 0)
        await check(folders, compression, finished)
      }
    })
  }
})

async function check(
  { output, work }: Pick<Given, 'output' | 'work'>,
  compression: Compression['name'],
  finished: readonly number[],
): Promise<void> {
  const found = new Set<number>()
  const files = filesIn(output)
  // All in one process: there are dozens.
  if (compression === 'gzip') execFileSync('gzip', ['-t', ...files.map(file => join(output, file))])
  for (const file of files) {
    const path = join(output, file)
    for (const body of await bodiesIn(path, 'lines', compression)) {
      const [, number] = /^message (\d+) \.{80}$/.exec(body) ?? []
      assert.ok(number !== undefined, `${file} has ${body}`)
      found.add(Number(number))
    }
  }
  assert.deepEqual(
    finished.filter(number => !found.has(number)),
    [],
  )
  assert.deepEqual(hiddenIn(output), [])
  if (work !== undefined) assert.deepEqual([...filesIn(work), ...readdirSync(join(work, '.nsq-ts'))], [])
}
