import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FinBuffer } from '../../../src/client/connection/fin-buffer.ts'
import { fin } from '../../../src/protocol/command.ts'
import { formatId } from '../../../src/protocol/message-id.ts'

test('gathers FINs, over any number of slabs, and never touches what it handed out', () => {
  const buffer = new FinBuffer()
  const ids = Array.from({ length: 3000 }, (_, i) => formatId(i * 7, i))
  const taken: Buffer[] = []
  for (const [i, id] of ids.entries()) {
    const bytes = Buffer.from(`..${id}..`)
    if (!buffer.add(bytes, 2)) {
      taken.push(buffer.take() ?? Buffer.alloc(0))
      assert.equal(buffer.add(bytes, 2), true)
    }
    if (i % 500 === 0) taken.push(buffer.take() ?? Buffer.alloc(0))
  }
  taken.push(buffer.take() ?? Buffer.alloc(0))
  assert.equal(buffer.take(), undefined)
  assert.ok(Buffer.concat(taken).equals(Buffer.concat(ids.map(id => fin(id)))))
})
