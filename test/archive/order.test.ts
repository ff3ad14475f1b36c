/** In which order things get to disk: what the crash of a machine can show, a killed process cannot. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { makeFolders, removeFile } from '../../src/archive/folders.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { archive, FakeMessage, fileMethods, openArchive } from './rig.ts'

const notLinux = process.platform === 'linux' ? false : 'reads /proc'

/** What is written and synced from now on, by path; and which files there were below this folder then. */
async function record(t: TestContext, root: string): Promise<{ what: string; files: string[] }[]> {
  const steps: { what: string; files: string[] }[] = []
  const methods: Record<string, unknown> = Object(await fileMethods(join(temporaryFolder(), 'any')))
  for (const method of ['sync', 'datasync', 'writev', 'writeFile', 'truncate']) {
    const original = methods[method]
    if (!(typeof original === 'function')) throw new Error(`no ${method}`)
    methods[method] = async function (this: { fd: number }, ...given: unknown[]): Promise<unknown> {
      const path = readlinkSync(`/proc/self/fd/${this.fd}`)
      const result: unknown = await original.apply(this, given)
      steps.push({
        what: `${method} ${shown(path.slice(root.length + 1))}`,
        files: readdirSync(root, { recursive: true, encoding: 'utf8' }).map(shown).sort(),
      })
      return result
    }
    t.after(() => {
      methods[method] = original
    })
  }
  return steps
}

/** Without the key. */
function shown(path: string): string {
  return path.replace(/[0-9a-f]{16}/, 'KEY')
}

describe('what is on disk when a message is finished', { skip: notLinux }, () => {
  test('is its marker, its file, and every folder that leads to it, in this order', async t => {
    const root = temporaryFolder()
    const output = join(root, 'out')
    const steps = await record(t, root)
    const rig = await openArchive(t, { output, names: { format: 'a/b/<TOPIC><REV>.log' } })
    const message = new FakeMessage('1')
    message.finish = () => {
      steps.push({ what: 'finish', files: [] })
      return true
    }
    await archive(rig, [message])
    assert.deepEqual(
      steps.map(({ what }) => what),
      [
        // The folder, its state.
        'sync ',
        'sync out',
        // Folders for the file.
        'sync out',
        'sync out/a',
        // The marker, before there is a file.
        'writeFile out/.nsq-ts/KEY-1.part.tmp',
        'sync out/.nsq-ts/KEY-1.part.tmp',
        'sync out/.nsq-ts',
        // The file.
        'sync out/a/b',
        'writev out/a/b/t-000000.log',
        'datasync out/a/b/t-000000.log',
        'finish',
      ],
    )
    const marked = steps.find(({ what }) => what === 'sync out/.nsq-ts')
    assert.ok(marked?.files.includes('out/.nsq-ts/KEY-1.part'))
    assert.ok(!marked?.files.includes('out/a/b/t-000000.log'))
    const made = steps.find(({ what }) => what === 'sync out/a/b')
    assert.ok(made?.files.includes('out/a/b/t-000000.log'))
  })

  test('and what was cut off after an error is gone before the file is taken for complete', async t => {
    const output = temporaryFolder()
    const rig = await openArchive(t, { output })
    await archive(rig, [new FakeMessage('1')])
    const steps = await record(t, output)
    const methods: Record<string, unknown> = Object(await fileMethods(join(temporaryFolder(), 'any')))
    const { datasync } = methods
    methods['datasync'] = () => {
      methods['datasync'] = datasync
      return Promise.reject(Object.assign(new Error('made up'), { code: 'ENOSPC' }))
    }
    await archive(rig, [new FakeMessage('2')])
    await rig.archiver.close()
    assert.deepEqual(
      steps.map(({ what }) => what),
      ['writev t-000000.log', 'truncate t-000000.log', 'datasync t-000000.log'],
    )
  })

  test('and a folder that was removed and made again is as new', async t => {
    const base = temporaryFolder()
    const path = join(base, 'a')
    await makeFolders(path, base)
    await removeFile(join(path, 'file'), base)
    // By another task, which has not synced it yet.
    mkdirSync(path)
    const steps = await record(t, base)
    await makeFolders(path, base)
    assert.deepEqual(
      steps.map(({ what }) => what),
      ['sync '],
    )
  })

  test('and a part is where it belongs before it goes from where it was, and that before its marker goes', async t => {
    const root = temporaryFolder()
    const [output, work] = [join(root, 'out'), join(root, 'work')]
    const rig = await openArchive(t, { output, work })
    await archive(rig, [new FakeMessage('1')])
    const steps = await record(t, root)
    await rig.archiver.close()
    assert.deepEqual(
      steps.map(({ what, files: there }) => [
        what,
        there.includes('out/t-000000.log'),
        there.includes('work/t-000000.log'),
        there.includes('work/.nsq-ts/KEY-1.part'),
      ]),
      [
        ['sync out', true, true, true],
        ['sync work', true, false, true],
      ],
    )
  })
})
