import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { loadMetadata, type Metadata, MetadataStore } from '../../src/nsqd/metadata.ts'
import { NsqError } from '../../src/util/errors.ts'

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
    assert.deepEqual(loadMetadata(folder), metadata(7, 't'))
  })

  test('leaves ephemeral topics and channels out', async () => {
    const topics = [
      { name: 't', paused: true, channels: [{ name: 'c#ephemeral', paused: false }] },
      { name: 'e#ephemeral', paused: false, channels: [] },
    ]
    await new MetadataStore(folder).save({ topics, version: '', segment_reserve: 0 })
    assert.deepEqual(loadMetadata(folder)?.topics, [{ name: 't', paused: true, channels: [] }])
  })

  test('makes one write of what is saved while another is under way', async () => {
    const store = new MetadataStore(folder)
    const first = store.save(metadata(1))
    await Promise.resolve()
    const second = store.save(metadata(2))
    assert.equal(store.save(metadata(3)), second)
    await Promise.all([first, second])
    assert.equal(loadMetadata(folder)?.segment_reserve, 3)
  })

  test('never puts an older state over that of saveNow', async () => {
    const store = new MetadataStore(folder)
    const earlier = [store.save(metadata(1)), Promise.resolve().then(() => store.save(metadata(2)))]
    await Promise.resolve()
    store.saveNow(metadata(3))
    await Promise.all(earlier)
    assert.equal(loadMetadata(folder)?.segment_reserve, 3)
    await store.save(metadata(4))
    assert.equal(loadMetadata(folder)?.segment_reserve, 4)
    assert.deepEqual(readdirSync(folder), ['nsqd.dat'])
  })

  test('does not lose what is saved after saveNow while an earlier write is under way', async () => {
    const store = new MetadataStore(folder)
    const first = store.save(metadata(1))
    await Promise.resolve()
    const second = store.save(metadata(2))
    store.saveNow(metadata(3), false)
    const third = store.save(metadata(4))
    await Promise.all([first, second, third])
    assert.equal(loadMetadata(folder)?.segment_reserve, 4)
  })

  test('says so when it cannot write', async () => {
    const missing = join(folder, 'missing')
    const store = new MetadataStore(missing)
    await assert.rejects(store.save(metadata(1)), isMetadataError)
    assert.throws(() => store.saveNow(metadata(1)), isMetadataError)
  })
})

describe('loadMetadata', () => {
  test('finds nothing in a new data path', () => {
    assert.equal(loadMetadata(folder), undefined)
  })

  test('reads a file of the official nsqd', () => {
    write('{"topics":[{"channels":null,"name":"t","paused":true}],"version":"1.3.0"}')
    const topics = [{ name: 't', paused: true, channels: [] }]
    assert.deepEqual(loadMetadata(folder), { topics, version: '1.3.0', segment_reserve: 0 })
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
  ]
  for (const text of corrupt) {
    test(`refuses ${text || 'an empty file'}, naming it and what to do`, () => {
      write(text)
      assert.throws(() => loadMetadata(folder), isMetadataError)
    })
  }
})

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
