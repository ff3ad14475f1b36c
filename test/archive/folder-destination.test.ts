import assert from 'node:assert/strict'
import fs, {
  linkSync,
  mkdirSync,
  readdirSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import type { SealedPart } from '../../src/archive/destination.ts'
import { FolderDestination } from '../../src/archive/folder-destination.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { archive, bodiesIn, filesIn, FakeMessage, hiddenIn, numbered, openArchive, textOf } from './rig.ts'
import { SmallDisk } from '../support/small-disk.ts'

function partAt(path: string, template = 'dt=1/t<REV>.log', recovered = false): SealedPart {
  return {
    path,
    name: template.replace('<REV>', '-000000'),
    template,
    topic: 't',
    channel: 'c',
    framing: 'lines',
    compression: 'none',
    records: 1,
    bytes: statSync(path).size,
    sha256: undefined,
    from: undefined,
    to: undefined,
    recovered,
  }
}

/** A part with this content, and a destination for it, on another file system if wanted and possible. */
async function moving(t: TestContext, across = false): Promise<Moving | undefined> {
  const work = temporaryFolder()
  const output = across ? SmallDisk.mount(t, 2 * 1024 * 1024)?.path : temporaryFolder()
  if (output === undefined) return undefined
  const path = join(work, 'part')
  writeFileSync(path, 'content\n')
  return { path, output, destination: await FolderDestination.open(output) }
}

interface Moving {
  path: string
  output: string
  destination: FolderDestination
}

/** The names of the copies that are made. */
function copiesOf(t: TestContext): string[] {
  const copies: string[] = []
  const { copyFile } = fs.promises
  t.mock.method(fs.promises, 'copyFile', (source: string, copy: string, mode: number) => {
    copies.push(copy)
    return copyFile(source, copy, mode)
  })
  syncBuiltinESMExports()
  t.after(() => syncBuiltinESMExports())
  return copies
}

for (const across of [false, true]) {
  describe(`FolderDestination${across ? ' on another file system' : ''}`, () => {
    test('gives a part its name, in folders that it makes', async t => {
      const move = await moving(t, across)
      if (move === undefined) return
      const { path, output, destination } = move
      const delivered = await destination.deliver(partAt(path))
      assert.deepEqual(delivered, {
        name: 'dt=1/t-000000.log',
        location: join(destination.id, 'dt=1/t-000000.log'),
      })
      assert.equal(textOf(output, 'dt=1/t-000000.log'), 'content\n')
      assert.equal(textOf(path), 'content\n')
    })

    test('never replaces what is there, whatever it is', async t => {
      const move = await moving(t, across)
      if (move === undefined) return
      const { path, output, destination } = move
      mkdirSync(join(output, 'dt=1'))
      writeFileSync(join(output, 'dt=1/t-000000.log'), 'mine')
      symlinkSync('/nowhere', join(output, 'dt=1/t-000001.log'))
      mkdirSync(join(output, 'dt=1/t-000002.log'))
      const { name } = await destination.deliver(partAt(path))
      assert.equal(name, 'dt=1/t-000003.log')
      assert.equal(textOf(output, 'dt=1/t-000000.log'), 'mine')
      assert.deepEqual(readdirSync(join(output, 'dt=1')).length, 4)
    })

    test('says so when the only name is taken', async t => {
      const move = await moving(t, across)
      if (move === undefined) return
      const { path, output, destination } = move
      writeFileSync(join(output, 't.log'), 'mine')
      await assert.rejects(destination.deliver(partAt(path, 't.log')), { code: 'E_ARCHIVE_NAME' })
      assert.equal(textOf(output, 't.log'), 'mine')
      assert.deepEqual(readdirSync(output), ['t.log'])
    })

    test('takes a folder that is a symbolic link', async t => {
      const move = await moving(t, across)
      if (move === undefined) return
      const link = join(temporaryFolder(), 'link')
      symlinkSync(move.output, link)
      const destination = await FolderDestination.open(link)
      assert.equal(destination.id, move.destination.id)
    })
  })
}

describe('FolderDestination', () => {
  test('knows a part that it was given before', async t => {
    const move = await moving(t)
    if (move === undefined) return
    const { path, output, destination } = move
    const other = join(output, 'other')
    writeFileSync(other, 'other\n')
    for (const one of [other, path]) await destination.deliver(partAt(one))
    for (const recovered of [false, true]) {
      const { name } = await destination.deliver(partAt(path, undefined, recovered))
      assert.equal(name, 'dt=1/t-000001.log')
    }
    assert.equal(filesIn(join(output, 'dt=1')).length, 2)
  })

  test('knows a part that only another process was given', async t => {
    const move = await moving(t)
    if (move === undefined) return
    const { path, output, destination } = move
    mkdirSync(join(output, 'dt=1'))
    writeFileSync(join(output, 'dt=1/t-000000.log'), 'mine')
    linkSync(path, join(output, 'dt=1/t-000001.log'))
    const { name } = await destination.deliver(partAt(path, undefined, true))
    assert.equal(name, 'dt=1/t-000001.log')
    assert.equal(filesIn(output).length, 2)
  })

  test('finds a folder gone that whoever takes files away has just found empty, and makes it again', async t => {
    const move = await moving(t)
    if (move === undefined) return
    const { path, output, destination } = move
    const { link } = fs.promises
    let times = 0
    t.mock.method(fs.promises, 'link', (source: string, target: string) => {
      if (times++ === 0) rmdirSync(join(output, 'dt=1'))
      return link(source, target)
    })
    syncBuiltinESMExports()
    t.after(() => syncBuiltinESMExports())
    await destination.deliver(partAt(path))
    t.mock.restoreAll()
    assert.equal(textOf(output, 'dt=1/t-000000.log'), 'content\n')
  })

  test('copies files of one path, as of two machines with one output, under different names', async t => {
    const move = await moving(t, true)
    if (move === undefined) return
    const { path, destination } = move
    const copies = copiesOf(t)
    for (const seconds of [1, 2]) {
      rmSync(path)
      writeFileSync(path, 'content\n')
      utimesSync(path, seconds, seconds)
      await destination.deliver(partAt(path))
    }
    assert.equal(new Set(copies).size, 2)
    t.mock.restoreAll()
  })

  test('replaces what a crash has left of a copy', async t => {
    const move = await moving(t, true)
    if (move === undefined) return
    const { path, output, destination } = move
    // Once, to know the name of the copy.
    const copies = copiesOf(t)
    await destination.deliver(partAt(path, 'a/t<REV>.log'))
    const [copy = ''] = copies
    assert.match(copy, /\/a\/\.nsq-ts-[0-9a-f]{12}\.tmp$/)
    writeFileSync(copy, 'half a co')
    await destination.deliver(partAt(path, 'a/t<REV>.log', true))
    assert.deepEqual(filesIn(output), ['a/t-000000.log', 'a/t-000001.log'])
    assert.equal(textOf(output, 'a/t-000001.log'), 'content\n')
    assert.deepEqual(hiddenIn(output), [])
    t.mock.restoreAll()
  })

  test('does not copy again what only could not be made durable', async t => {
    const move = await moving(t, true)
    if (move === undefined) return
    const { path, output, destination } = move
    const { open } = fs.promises
    let times = 0
    t.mock.method(fs.promises, 'open', (file: string, ...how: []) => {
      const isLast = file === join(output, 'dt=1') && readdirSync(file).length > 0
      if (isLast && times++ === 0)
        return Promise.reject(Object.assign(new Error('made up'), { code: 'EMFILE' }))
      return open(file, ...how)
    })
    syncBuiltinESMExports()
    t.after(() => syncBuiltinESMExports())
    await assert.rejects(destination.deliver(partAt(path)), { code: 'E_ARCHIVE_WRITE' })
    const { name } = await destination.deliver(partAt(path))
    t.mock.restoreAll()
    assert.equal(name, 'dt=1/t-000000.log')
    assert.deepEqual(filesIn(output), [name])
  })

  test('leaves no copy when the disk is full', async t => {
    const move = await moving(t, true)
    if (move === undefined) return
    const { path, output, destination } = move
    writeFileSync(path, Buffer.alloc(3 * 1024 * 1024))
    await assert.rejects(destination.deliver(partAt(path)), error => {
      assert.ok(destination.isTransient(error))
      return true
    })
    assert.deepEqual([...filesIn(output), ...hiddenIn(output)], [])
  })

  for (const code of ['EPERM', 'ENOTSUP']) {
    test(`without hard links (${code}) copies, and replaces nothing`, async t => {
      const move = await moving(t)
      if (move === undefined) return
      const { path, output, destination } = move
      t.mock.method(fs.promises, 'link', () => Promise.reject(Object.assign(new Error(code), { code })))
      syncBuiltinESMExports()
      t.after(() => syncBuiltinESMExports())
      writeFileSync(join(output, 't-000000.log'), 'mine')
      const { name } = await destination.deliver(partAt(path, 't<REV>.log'))
      t.mock.restoreAll()
      assert.equal(name, 't-000001.log')
      // It keeps its own name, too: otherwise a new file might get that, and be removed in its place.
      assert.equal(textOf(path), 'content\n')
      assert.deepEqual(hiddenIn(output), [])
      assert.deepEqual(
        [textOf(output, 't-000000.log'), textOf(output, 't-000001.log')],
        ['mine', 'content\n'],
      )
    })
  }

  test('cannot be made where there is a file', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    await assert.rejects(FolderDestination.open(join(file, 'below')), {
      code: 'E_ARCHIVE_WRITE',
      remedy: 'There is a file where a folder is to be: move it away, or name another folder.',
    })
  })
})

describe('an archive with a work folder', () => {
  test('leaves no empty folders in it', async t => {
    const [output, work] = [temporaryFolder(), temporaryFolder()]
    const names = { format: 'dt=%Y-%m-%d/hour=%H/<TOPIC><REV>.log' }
    const rig = await openArchive(t, { output, work, names })
    for (const message of numbered(30)) {
      await archive(rig, [message])
      rig.archiver.hangup()
    }
    await rig.archiver.close()
    assert.deepEqual(readdirSync(work), ['.nsq-ts'])
    assert.equal(filesIn(output).length, 30)
    assert.deepEqual(rig.log.warnings, [])
  })

  for (const across of [false, true]) {
    test(`shows complete files only${across ? ', across file systems' : ''}`, async t => {
      const output = across ? SmallDisk.mount(t, 4 * 1024 * 1024)?.path : temporaryFolder()
      if (output === undefined) return
      const work = temporaryFolder()
      writeFileSync(join(output, 't-000000.log.gz'), 'mine')
      const options = { rotateBytes: 1000, commitAt: 10 }
      const rig = await openArchive(t, { output, work, compression: 'gzip', options })
      const first = [new FakeMessage('first')]
      await archive(rig, first)
      assert.deepEqual(filesIn(output), ['t-000000.log.gz'])
      assert.deepEqual(filesIn(work), ['t-000000.log.gz'])
      const messages = numbered(500)
      for (const message of messages) rig.archiver.add(message)
      await rig.archiver.close()
      assert.deepEqual([...filesIn(work), ...hiddenIn(work), ...hiddenIn(output)], [])
      const bodies: string[] = []
      for (const file of filesIn(output).slice(1)) {
        bodies.push(...(await bodiesIn(join(output, file), 'lines', 'gzip')))
      }
      assert.deepEqual(bodies.sort(), [...first, ...messages].map(({ body }) => body.toString()).sort())
      assert.equal(textOf(output, 't-000000.log.gz'), 'mine')
      assert.equal(rig.archiver.progress.files, filesIn(output).length - 1)
    })
  }
})
