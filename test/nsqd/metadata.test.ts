import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { loadMetadata, type Metadata, MetadataStore } from '../../src/nsqd/metadata.ts'
import { MAX_SEGMENT } from '../../src/protocol/message-id.ts'
import { NsqError } from '../../src/util/errors.ts'
import { replaceFs, systemError } from '../storage/fixtures.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'nsq-ts-metadata-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

function metadata(segment_reserve: number, ...names: string[]): Metadata {
  const topics = names.map(name => ({ name, paused: false, channels: [{ name: 'c', paused: true }] }))
  return { topics, version: '1.2.3', segment_reserve }
}

describe('MetadataStore', () => {
  test('writes the official format and our field, and loadMetadata reads it back', async () => {
    await new MetadataStore(folder).save(metadata(7, 't'))
    assert.deepEqual(JSON.parse(readFileSync(join(folder, 'nsqd.dat'), 'utf8')), {
      topics: [{ name: 't', paused: false, channels: [{ name: 'c', paused: true }] }],
      version: '1.2.3',
      segment_reserve: 7,
    })
    assert.deepEqual(load(), metadata(7, 't'))
  })

  test('leaves ephemeral topics and channels out', async () => {
    const topics = [
      { name: 't', paused: true, channels: [{ name: 'c#ephemeral', paused: false }] },
      { name: 'e#ephemeral', paused: false, channels: [] },
    ]
    await new MetadataStore(folder).save({ topics, version: '', segment_reserve: 0 })
    assert.deepEqual(load()?.topics, [{ name: 't', paused: true, channels: [] }])
  })

  test('makes one write of what is saved while another is under way', async () => {
    const store = new MetadataStore(folder)
    const first = store.save(metadata(1))
    await Promise.resolve()
    const second = store.save(metadata(2))
    assert.equal(store.save(metadata(3)), second)
    await Promise.all([first, second])
    assert.equal(load()?.segment_reserve, 3)
  })

  test('never puts an older state over that of saveNow', async () => {
    const store = new MetadataStore(folder)
    const earlier = [store.save(metadata(1)), Promise.resolve().then(() => store.save(metadata(2)))]
    await Promise.resolve()
    store.saveNow(metadata(3))
    await Promise.all(earlier)
    assert.equal(load()?.segment_reserve, 3)
    await store.save(metadata(4))
    assert.equal(load()?.segment_reserve, 4)
    assert.deepEqual(readdirSync(folder).sort(), ['nsqd.dat', 'nsqd.dat.synced'])
  })

  test('does not lose what is saved after saveNow while an earlier write is under way', async () => {
    const store = new MetadataStore(folder)
    const first = store.save(metadata(1))
    await Promise.resolve()
    const second = store.save(metadata(2))
    store.saveNow(metadata(3), false)
    const third = store.save(metadata(4))
    await Promise.all([first, second, third])
    assert.equal(load()?.segment_reserve, 4)
  })

  test('says so when it cannot write', async () => {
    const missing = join(folder, 'missing')
    const store = new MetadataStore(missing)
    await assert.rejects(store.save(metadata(1)), isMetadataError)
    assert.throws(() => store.saveNow(metadata(1)), isMetadataError)
  })
})

describe('nsqd.dat after a power cut', () => {
  for (const torn of [
    '',
    '\0'.repeat(40),
    '{"topics":[{"name":"t","pau',
    '{"topics":[{"na\0\0\0\0aused":false',
  ]) {
    test(`may be torn (${JSON.stringify(torn)}): the state that was synced last is taken, and it is said`, () => {
      const store = new MetadataStore(folder)
      store.saveNow(metadata(7, 't'))
      store.saveNow(metadata(7, 't', 'u'), false)
      write(torn)
      const warnings: string[] = []
      for (let start = 1; start <= 2; start++) {
        assert.deepEqual(
          loadMetadata(folder, text => warnings.push(text)),
          metadata(7, 't'),
        )
        assert.equal(warnings.length, start)
      }
      assert.match(warnings.join(), /nsqd\.dat was torn.*nsqd\.dat\.bad.*nsqd\.dat\.synced/)
      assert.equal(readFileSync(join(folder, 'nsqd.dat.bad'), 'utf8'), torn)
      store.saveNow(metadata(8, 't'))
      assert.deepEqual(load(), metadata(8, 't'))
    })
  }

  test('may be torn on a full disk, where no copy of it can be made: nsqd starts all the same', t => {
    new MetadataStore(folder).saveNow(metadata(5, 't'))
    write('{"topics"')
    replaceFs(t, 'copyFileSync', () => () => {
      throw systemError('ENOSPC')
    })
    const warnings: string[] = []
    assert.deepEqual(
      loadMetadata(folder, text => void warnings.push(text)),
      metadata(5, 't'),
    )
    assert.match(warnings.join(), /nsqd\.dat was torn, by a power cut most likely; the topics/)
  })

  test('is taken as it is when it is whole', async () => {
    const store = new MetadataStore(folder)
    await store.save(metadata(7, 't'))
    store.saveNow(metadata(7, 't', 'u'), false)
    assert.deepEqual(load(), metadata(7, 't', 'u'))
    await store.save(metadata(7, 't', 'u'))
    write('')
    assert.deepEqual(
      loadMetadata(folder, () => undefined),
      metadata(7, 't', 'u'),
    )
  })

  test('is refused when both are torn', () => {
    new MetadataStore(folder).saveNow(metadata(7, 't'))
    write('')
    writeFileSync(join(folder, 'nsqd.dat.synced'), '')
    assert.throws(load, isMetadataError)
  })

  test('is synced before its name is, and the folder last', t => {
    const calls: string[] = []
    for (const name of ['fsyncSync', 'renameSync'] as const) {
      replaceFs(t, name, (original: (...args: never[]) => void) => (...args: never[]) => {
        calls.push(name)
        original(...args)
      })
    }
    const store = new MetadataStore(folder)
    store.saveNow(metadata(1, 't'))
    assert.deepEqual(calls, ['fsyncSync', 'renameSync', 'renameSync', 'fsyncSync'])
    store.saveNow(metadata(1, 't'))
    store.saveNow(metadata(1, 't'), false)
    assert.equal(calls.length, 4)
    store.saveNow(metadata(2, 't'), false)
    assert.equal(calls.length, 5)
    store.saveNow(metadata(2, 't'))
    assert.equal(calls.length, 9)
  })
})

describe('loadMetadata', () => {
  test('finds nothing in a new data path', () => {
    assert.equal(load(), undefined)
  })

  test('reads a file of the official nsqd', () => {
    write('{"topics":[{"channels":null,"name":"t","paused":true}],"version":"1.3.0"}')
    const topics = [{ name: 't', paused: true, channels: [] }]
    assert.deepEqual(load(), { topics, version: '1.3.0', segment_reserve: 0 })
  })

  test('takes what a node has written that has used up its numbers', () => {
    write(`{"topics":[],"segment_reserve":${MAX_SEGMENT + 1}}`)
    assert.equal(load()?.segment_reserve, MAX_SEGMENT + 1)
  })

  const corrupt = [
    '',
    '{',
    '[1]',
    'null',
    '{"topics":3}',
    '{"topics":["t"]}',
    '{"topics":[{"name":"bad!"}]}',
    '{"topics":[{"name":"../../etc","channels":[]}]}',
    '{"topics":[{"name":"t"}]}',
    '{"topics":[],"segment_reserve":-1}',
    '{"topics":[],"segment_reserve":1.5}',
    '{"topics":[],"segment_reserve":"5"}',
    '{"topics":[],"segment_reserve":2147483649}',
    '{"topics":[],"segment_reserve":9007199254740991}',
  ]
  for (const text of corrupt) {
    test(`refuses ${text || 'an empty file'}, naming it and what to do`, () => {
      write(text)
      assert.throws(() => load(), isMetadataError)
    })
  }
})

/** What is there, where nothing is wrong. */
function load(): Metadata | undefined {
  return loadMetadata(folder, text => assert.fail(text))
}

function write(text: string): void {
  writeFileSync(join(folder, 'nsqd.dat'), text)
}

function isMetadataError(error: unknown): boolean {
  assert.ok(error instanceof NsqError)
  assert.equal(error.code, 'E_METADATA')
  assert.match(error.message, /nsqd\.dat/)
  assert.ok(error.remedy)
  return true
}
