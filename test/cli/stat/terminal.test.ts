/** The program that is shipped, on a real terminal: `script` (util-linux) makes one. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { describe, test, type TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { formatAddress } from '../../../src/util/address.ts'
import { Spawned } from '../../support/spawned.ts'
import { until } from '../../support/wait.ts'

const BIN = fileURLToPath(new URL('../../../bin/nsq-ts.js', import.meta.url))
const hasScript = spawnSync('script', ['--version']).stdout?.toString().includes('util-linux')
const skip = hasScript ? false : 'there is no script of util-linux'

interface Terminal {
  child: ChildProcess
  /** All that was written to it. */
  written: () => string
  type: (keys: string) => void
}

/** Runs a shell command on a terminal of 100 × 20, and then says its exit code and whether the terminal is as it was. */
function startTerminal(t: TestContext, command: string, env: Record<string, string> = {}): Terminal {
  const commands = [
    'stty rows 20 cols 100',
    'before=$(stty -g)',
    command,
    'echo "code $?"',
    'test "$(stty -g)" = "$before" && echo "as it was"',
  ]
  const child = spawn('script', ['-qfec', commands.join('; '), '/dev/null'], {
    stdio: 'pipe',
    env: { PATH: process.env['PATH'], LANG: 'C.UTF-8', TERM: 'xterm-256color', SHELL: '/bin/sh', ...env },
  })
  t.after(() => child.kill('SIGKILL'))
  let text = ''
  child.stdout.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return { child, written: () => text, type: keys => child.stdin.write(keys) }
}

async function startNsqd(t: TestContext): Promise<string> {
  const nsqd = new Spawned('nsqd', [`--data-path=${temporaryFolder()}`])
  t.after(() => nsqd.kill())
  await nsqd.start()
  const address = formatAddress(nsqd.http)
  for (const path of ['/topic/create?topic=orders', '/channel/create?topic=orders&channel=mail']) {
    await fetch(`http://${address}${path}`, { method: 'POST' })
  }
  return address
}

function stat(address: string, ...flags: string[]): string {
  return `'${process.execPath}' '${BIN}' stat --nsqd-http-address ${address} --interval 50ms ${flags.join(' ')}`
}

const ends: [name: string, key: string][] = [
  ['q', 'q'],
  ['Ctrl-C', '\x03'],
]

describe('on a terminal', { skip }, () => {
  for (const [name, key] of ends) {
    test(`${name} ends it, and the terminal is as it was`, async t => {
      const { written, child, type } = startTerminal(t, stat(await startNsqd(t)))
      await until(() => written().includes('orders  mail '), written)
      type('s')
      await until(() => written().includes('sort: depth'), written)
      const closed = once(child, 'close')
      type(key)
      await closed
      const left = written().slice(written().lastIndexOf('\x1b[?1049l'))
      assert.match(left, /TOTAL[^]*code 0\r\nas it was/)
    })
  }

  test('a signal, and a second one, too', async t => {
    const { written, child } = startTerminal(
      t,
      // The shell of the terminal gives its number away.
      `sh -c 'echo "pid $$."; exec ${stat(await startNsqd(t)).replaceAll("'", '')}'`,
    )
    await until(() => /orders {2}mail/.test(written()), written)
    const pid = Number(/pid (\d+)\./.exec(written())?.[1])
    const closed = once(child, 'close')
    process.kill(pid, 'SIGTERM')
    try {
      process.kill(pid, 'SIGINT')
    } catch {
      // It was quick: the first was enough.
    }
    await closed
    const left = written().slice(written().lastIndexOf('\x1b[?25h\x1b[?1049l'))
    assert.match(left, /code (0|130)\r\nas it was/)
  })

  test('without colour, and on a dumb terminal, there is none', async t => {
    const address = await startNsqd(t)
    const plain = startTerminal(t, stat(address, '--count', '2'), { NO_COLOR: '1' })
    await once(plain.child, 'close')
    assert.ok(plain.written().includes('\x1b[?1049h'))
    assert.ok(
      plain
        .written()
        .split('\x1b')
        .every(part => !/^\[[\d;]*m/.test(part)),
    )
    const dumb = startTerminal(t, stat(address, '--count', '2'), { TERM: 'dumb', LANG: 'C' })
    await once(dumb.child, 'close')
    assert.doesNotMatch(dumb.written(), /[^\x20-\x7e\r\n]/)
    assert.equal(dumb.written().match(/^TOPIC /gm)?.length, 2)
  })
})
