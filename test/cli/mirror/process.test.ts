/** The command in a process of its own. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { until } from '../../support/wait.ts'
import { betweenFlags, moduleOf, Side } from './rig.ts'

const BIN = fileURLToPath(new URL('../../../bin/nsq-ts.js', import.meta.url))

test('a promise of a function that nobody waits for ends no process', async t => {
  const [from, to] = [await Side.start(t), await Side.start(t)]
  await from.publish('t', ['1', '2'])
  // Of the first message both fail, and the second of them after the function has.
  const map = moduleOf(`
    const later = (body, ms) => new Promise((resolve, reject) =>
      setTimeout(() => body === '1' ? reject(new Error('boom ' + ms)) : resolve(body), ms))
    export default async message => {
      const both = [later(String(message.body), 1), later(String(message.body), 20)]
      return [await both[0], await both[1]]
    }`)
  const flags = ['mirror', 't', ...betweenFlags(from, to), '--map', map]
  const child = spawn(process.execPath, [BIN, ...flags], { env: {}, stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  let err = ''
  child.stderr.on('data', chunk => (err += String(chunk)))
  const exited = once(child, 'exit')
  await until(() => /nobody waits for: boom 20/.test(err) || child.exitCode !== null)
  assert.match(err, /went back: --map: boom 1/)
  assert.deepEqual(await to.bodies('t', 2), ['2', '2'])
  child.kill('SIGTERM')
  assert.deepEqual(await exited, [0, null], err)
})
