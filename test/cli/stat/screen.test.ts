import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { Output } from '../../../src/cli/output.ts'
import { Screen } from '../../../src/cli/stat/screen.ts'
import type { Key } from '../../../src/cli/stat/view.ts'
import { until } from '../../support/wait.ts'
import { FakeTerminal } from './fixtures.ts'

interface Rig {
  terminal: FakeTerminal
  input: FakeTerminal
  screen: Screen
  keys: Key[]
  resizes: number
}

function start(t: TestContext): Rig {
  const terminal = new FakeTerminal(20, 5).capture()
  const input = new FakeTerminal(20, 5)
  const rig: Rig = {
    terminal,
    input,
    keys: [],
    resizes: 0,
    screen: new Screen(new Output(terminal, {}), input, {
      key: key => rig.keys.push(key),
      resized: () => rig.resizes++,
    }),
  }
  t.after(() => rig.screen.leave())
  rig.screen.enter()
  return rig
}

describe('screen', () => {
  test('shows lines, and writes only those that have changed', async t => {
    const { terminal, screen } = start(t)
    screen.draw(['one', 'two', 'three'])
    await until(() => terminal.screen.length === 3)
    assert.deepEqual(terminal.screen, ['one', 'two', 'three'])
    const before = terminal.written.length
    screen.draw(['one', '2', 'three'])
    await until(() => terminal.screen[1] === '2')
    assert.equal(terminal.written.slice(before), '\x1b[?2026h\x1b[2;1H\x1b[K2\x1b[?2026l')
    screen.draw(['one'])
    await until(() => terminal.screen.length === 1)
    const shown = terminal.written.length
    screen.draw(['one'])
    screen.draw(['one', 'more'])
    await until(() => terminal.screen.length === 2)
    assert.doesNotMatch(terminal.written.slice(shown), /one/)
  })

  test('is drawn whole after its size has changed', async t => {
    const rig = start(t)
    rig.screen.draw(['one', 'two'])
    await until(() => rig.terminal.screen.length === 2)
    rig.terminal.resize(30, 4)
    assert.equal(rig.resizes, 1)
    assert.deepEqual(rig.screen.size, { columns: 30, rows: 4 })
    rig.screen.draw(['one'])
    await until(() => rig.terminal.screen.length === 1)
    assert.ok(rig.terminal.written.endsWith('\x1b[2J\x1b[1;1H\x1b[Kone\x1b[?2026l'))
  })

  test('gives the keys of a terminal', async t => {
    const { input, keys } = start(t)
    assert.ok(input.isRaw)
    input.write('s')
    input.write('\x1b[A')
    input.write('/')
    await until(() => keys.length === 3)
    assert.deepEqual(
      keys.map(({ name, sequence }) => name ?? sequence),
      ['s', 'up', '/'],
    )
  })

  test('leaves the terminal as it was', t => {
    const { terminal, input, screen, keys } = start(t)
    screen.leave()
    assert.ok(!input.isRaw)
    assert.ok(terminal.written.startsWith('\x1b[?1049h\x1b[?25l\x1b[?7l'))
    assert.ok(terminal.written.endsWith('\x1b[?7h\x1b[?25h\x1b[?1049l'))
    input.write('x')
    assert.deepEqual(keys, [])
    assert.equal(terminal.listenerCount('resize'), 0)
  })

  test('does so when the process ends in the middle of it', t => {
    const before = process.listenerCount('exit')
    const { terminal, screen, input } = start(t)
    const added = process.listeners('exit').slice(before)
    assert.equal(added.length, 1)
    for (const listener of added) listener.call(process, 1)
    assert.ok(!input.isRaw)
    assert.ok(terminal.written.endsWith('\x1b[?1049l'))
    screen.leave()
    assert.equal(process.listenerCount('exit'), before)
  })
})
