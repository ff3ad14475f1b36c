import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Key, pressed, type View } from '../../../src/cli/stat/view.ts'

const VIEW: View = { sort: 'name', filter: '', isTyping: false, isPaused: false, top: 0 }
/** Rows on the screen, and rows that there are. */
const [PAGE, ROWS] = [10, 35]

function press(view: View, ...keys: (string | Key)[]): View | undefined {
  let now: View | undefined = view
  for (const key of keys) {
    if (now === undefined) break
    now = pressed(now, typeof key === 'string' ? { name: key, sequence: key } : key, PAGE, ROWS)
  }
  return now
}

describe('keys', () => {
  test('q, Ctrl-C and Ctrl-D end it', () => {
    assert.equal(press(VIEW, 'q'), undefined)
    for (const name of ['c', 'd']) {
      assert.equal(press(VIEW, { name, ctrl: true }), undefined)
      assert.equal(press({ ...VIEW, isTyping: true }, { name, ctrl: true }), undefined)
    }
    assert.equal(press(VIEW, { name: 'q', ctrl: true }), VIEW)
    assert.equal(press(VIEW, { name: 'q', meta: true }), VIEW)
  })

  test('s and the arrows change what it is sorted by, from the top again', () => {
    assert.deepEqual(press({ ...VIEW, top: 5 }, 's'), { ...VIEW, sort: 'depth' })
    assert.deepEqual(press(VIEW, 'right', 'right', 'left'), { ...VIEW, sort: 'depth' })
  })

  test('scrolling stays within the rows', () => {
    const tops = ['down', 'pagedown', 'space', 'end', 'down', 'up', 'pageup', 'home', 'up']
    let view: View | undefined = VIEW
    const seen = tops.map(key => {
      view = view && press(view, key)
      return view?.top
    })
    assert.deepEqual(seen, [1, 11, 21, 25, 25, 24, 14, 0, 0])
    assert.equal(pressed(VIEW, { name: 'end' }, 10, 3)?.top, 0)
  })

  test('p pauses, and goes on', () => {
    assert.equal(press(VIEW, 'p')?.isPaused, true)
    assert.equal(press(VIEW, 'p', 'p')?.isPaused, false)
  })

  test('a filter is typed, with what names are made of', () => {
    const typed = press(VIEW, { sequence: '/' }, 'q', 's', { sequence: '.' }, ' ', {
      name: 'x',
      sequence: '\x1bx',
      meta: true,
    })
    assert.deepEqual(typed, { ...VIEW, filter: 'qs.', isTyping: true })
    assert.ok(typed)
    assert.deepEqual(press(typed, 'backspace'), { ...typed, filter: 'qs' })
    assert.deepEqual(press(typed, { name: 'u', ctrl: true }), { ...typed, filter: '' })
    assert.deepEqual(press(typed, 'return'), { ...typed, isTyping: false })
    // As node:readline has it.
    const escape = { name: 'escape', meta: true }
    assert.deepEqual(press(typed, escape), VIEW)
    assert.deepEqual(press(typed, 'return', escape), VIEW)
  })
})
