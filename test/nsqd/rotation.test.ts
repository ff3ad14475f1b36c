import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Rotation } from '../../src/nsqd/rotation.ts'
import type { Session } from '../../src/nsqd/session.ts'

function sessions(...rooms: number[]): Session[] {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- Rotation asks for nothing else of them
  return rooms.map((room, number) => ({ number, room: () => room }) as unknown as Session)
}

function turns(rotation: Rotation, count: number): (number | undefined)[] {
  return Array.from({ length: count }, () => rotation.next()?.number)
}

describe('Rotation', () => {
  test('gives each session with room its turn', () => {
    const rotation = new Rotation()
    for (const session of sessions(1, 0, 5, 1)) rotation.add(session)
    assert.deepEqual(turns(rotation, 7), [0, 2, 3, 0, 2, 3, 0])
  })

  test('has nobody when none has room, or all have gone', () => {
    const rotation = new Rotation()
    const [full, free] = sessions(0, 1)
    assert.ok(full !== undefined && free !== undefined)
    rotation.add(full)
    assert.equal(rotation.next(), undefined)
    rotation.add(free)
    assert.equal(rotation.next(), free)
    rotation.remove(free)
    assert.equal(rotation.next(), undefined)
    rotation.add(free)
    rotation.clear()
    assert.equal(rotation.next(), undefined)
  })

  test('prefers the nearest with room, and takes turns among equals', () => {
    const rotation = new Rotation(session => (session.number === 0 ? 2 : session.number === 1 ? 0 : 1))
    for (const session of sessions(1, 0, 1, 1)) rotation.add(session)
    assert.deepEqual(turns(rotation, 4), [2, 3, 2, 3])
  })
})
