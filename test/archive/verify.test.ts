import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { describe, test } from 'node:test'
import { FolderFiles } from '../../src/archive/archive-files.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { partOf } from './s3/fixtures.ts'
import {
  archive,
  COMPRESSIONS,
  compressed,
  edit,
  flip,
  framed,
  FRAMINGS,
  verify,
  write,
} from './verify-rig.ts'

describe('verifying an archive', () => {
  test('of every framing and compression', async () => {
    const { folder, names } = await archive()
    const findings = await verify(new FolderFiles(folder))
    assert.deepEqual(findings.parts.map(({ file }) => file).sort(), [...names].sort())
    assert.deepEqual([findings.wrong, findings.bad, findings.torn, findings.others], [[], [], [], []])
    assert.equal(
      findings.bytes,
      findings.parts.reduce((sum, { bytes }) => sum + bytes, 0),
    )
  })

  test('finds a part that is not there', async () => {
    const { folder } = await archive()
    rmSync(join(folder, 'dt=2026-01-02/lines.gzip'))
    const findings = await verify(new FolderFiles(folder))
    assert.deepEqual(findings.of('dt=2026-01-02/lines.gzip'), ['missing'])
    assert.equal(findings.wrong.length, 1)
  })

  test('finds a part that cannot be read', async () => {
    const { folder } = await archive()
    const path = join(folder, 'dt=2026-01-02/lines.gzip')
    rmSync(path)
    symlinkSync('.', path)
    assert.deepEqual((await verify(new FolderFiles(folder))).of('dt=2026-01-02/lines.gzip'), ['unreadable'])
  })

  const damages: readonly [
    what: string,
    change: (bytes: Buffer) => Buffer,
    problems: Record<string, string[]>,
  ][] = [
    [
      'a torn tail',
      bytes => bytes.subarray(0, -5),
      { none: ['bytes', 'damaged'], gzip: ['bytes', 'damaged'], zstd: ['bytes', 'damaged'] },
    ],
    [
      'nothing in it',
      () => Buffer.alloc(0),
      { none: ['bytes', 'messages'], gzip: ['bytes', 'damaged'], zstd: ['bytes', 'damaged'] },
    ],
    [
      'something appended',
      bytes => Buffer.concat([bytes, Buffer.from('x')]),
      { none: ['bytes', 'damaged'], gzip: ['bytes', 'damaged'], zstd: ['bytes', 'damaged'] },
    ],
    [
      'a changed byte',
      flip(-20),
      { none: ['sha256'], gzip: ['sha256', 'damaged'], zstd: ['sha256', 'damaged'] },
    ],
    [
      'a changed head',
      flip(0),
      { none: ['sha256'], gzip: ['sha256', 'damaged'], zstd: ['sha256', 'damaged'] },
    ],
  ]
  for (const [what, change, problems] of damages) {
    test(`finds ${what}`, async () => {
      const { folder } = await archive()
      for (const name of COMPRESSIONS) edit(join(folder, `dt=2026-01-02/escaped.${name}`), change)
      const findings = await verify(new FolderFiles(folder))
      for (const name of COMPRESSIONS) {
        const found = findings.of(`dt=2026-01-02/escaped.${name}`)
        // An empty file is one of nothing for some that read it.
        const expected = problems[name]
        if (what === 'nothing in it') assert.equal(found[0], 'bytes')
        else assert.deepEqual(found, expected, name)
      }
      assert.equal(findings.wrong.length, 3)
    })
  }

  test('finds what decompresses, and has too few messages, whatever the manifest says of its bytes', async () => {
    const folder = temporaryFolder()
    const parts = await Promise.all(
      FRAMINGS.map(async framing => {
        const part = partOf(framing, await compressed('gzip', framed(framing, 999)))
        return { ...part, framing, compression: 'gzip' as const, records: 1000 }
      }),
    )
    await write(folder, parts)
    const findings = await verify(new FolderFiles(folder))
    for (const framing of FRAMINGS) assert.deepEqual(findings.of(framing), ['messages'], framing)
  })

  test('takes more lines than messages for newlines in them, and more of others for a fault', async () => {
    const folder = temporaryFolder()
    await write(
      folder,
      FRAMINGS.map(framing => ({ ...partOf(framing, framed(framing, 11)), framing, records: 10 })),
    )
    assert.deepEqual((await verify(new FolderFiles(folder))).wrong, ['escaped', 'jsonl', 'length'])
  })

  test('names files that no manifest lists, but those in work', async () => {
    const { folder } = await archive()
    for (const name of ['by hand.log', 'dt=2026-01-02/.tmp-1', '.nsq-ts/a.part']) {
      mkdirSync(dirname(join(folder, name)), { recursive: true })
      writeFileSync(join(folder, name), 'x\n')
    }
    const findings = await verify(new FolderFiles(folder))
    assert.deepEqual([findings.others, findings.wrong], [['by hand.log'], []])
  })

  test('reads the manifests of folders below, and many of them', async () => {
    const { folder } = await archive()
    const above = temporaryFolder()
    renameSync(folder, join(above, 'a'))
    await write(join(above, 'a'), [partOf('again.log', Buffer.from('x\n'))])
    mkdirSync(join(above, 'b'))
    await write(join(above, 'b'), [partOf('other.log', Buffer.from('x\n'))])
    const findings = await verify(new FolderFiles(above))
    assert.equal(findings.parts.length, FRAMINGS.length * COMPRESSIONS.length + 2)
    assert.deepEqual([findings.wrong, findings.others], [[], []])
    assert.deepEqual(findings.of('b/other.log'), [])
  })

  test('checks what is listed twice once, but both of what differs', async () => {
    const folder = temporaryFolder()
    const part = partOf('a.log', Buffer.from('x\n'))
    await write(folder, [part, part])
    await write(folder, [part])
    assert.deepEqual((await verify(new FolderFiles(folder))).of('a.log'), [])
    await write(folder, [{ ...part, sha256: 'f'.repeat(64) }])
    const { parts } = await verify(new FolderFiles(folder))
    assert.equal(parts.length, 2)
    assert.equal(parts.filter(({ problems }) => problems.length > 0).length, 1)
  })
})

describe('a manifest', () => {
  test('may end in a torn line, as a crash leaves it', async () => {
    const { folder, manifest, names } = await archive()
    edit(join(folder, manifest), bytes => bytes.subarray(0, -7))
    const findings = await verify(new FolderFiles(folder))
    assert.deepEqual([findings.torn, findings.bad, findings.wrong], [[manifest], [], []])
    assert.deepEqual(findings.others, names.slice(-1))
  })

  test('is damaged when another line is torn, and leads to no file elsewhere', async () => {
    const { folder, manifest } = await archive()
    const good = readFileSync(join(folder, manifest), 'utf8').split('\n')[0] ?? ''
    const wrong = [
      good.slice(0, 30),
      '[]',
      '{}',
      ...['../x', '/etc/passwd', 'a/../../x', 'a//b', './a', 'a/', '', 'a\0b'].map(file =>
        JSON.stringify({ ...JSON.parse(good), file }),
      ),
      JSON.stringify({ ...JSON.parse(good), messages: -1 }),
      JSON.stringify({ ...JSON.parse(good), bytes: 1.5 }),
      JSON.stringify({ ...JSON.parse(good), sha256: 'abc' }),
      JSON.stringify({ ...JSON.parse(good), framing: 'toString' }),
      JSON.stringify({ ...JSON.parse(good), compression: 'xz' }),
    ]
    for (const line of wrong) {
      writeFileSync(join(folder, manifest), `${line}\n${good}\n`)
      const findings = await verify(new FolderFiles(folder))
      assert.equal(findings.parts.length, 1)
      assert.equal(findings.bad.length, 1, line)
      assert.match(findings.bad[0] ?? '', /: line 1: /)
    }
  })

  test('that is no text is damaged', async () => {
    const { folder, manifest } = await archive()
    writeFileSync(join(folder, manifest), Buffer.from([0xff, 0xfe, 0x0a]))
    assert.deepEqual((await verify(new FolderFiles(folder))).bad, [`${manifest}: line 1: not UTF-8`])
  })

  test('must be there', async () => {
    const folder = temporaryFolder()
    await assert.rejects(verify(new FolderFiles(folder)), {
      code: 'E_ARCHIVE_MANIFEST',
      message: `there is no manifest in ${folder}`,
      remedy: /--manifest/,
    })
    await assert.rejects(verify(new FolderFiles(join(folder, 'x'))), {
      code: 'E_ARCHIVE_READ',
      message: `cannot read ${join(folder, 'x')}: there is no such folder`,
    })
    writeFileSync(join(folder, 'x'), '')
    await assert.rejects(verify(new FolderFiles(join(folder, 'x'))), {
      code: 'E_ARCHIVE_READ',
      message: `cannot read ${join(folder, 'x')}: that is a file, not the folder that archive wrote to`,
    })
  })
})
