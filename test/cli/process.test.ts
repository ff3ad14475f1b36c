/** What needs real processes: the bins, signals, pipes that break, exit codes. */
import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'

const BIN = new URL('../../bin/', import.meta.url).pathname

interface Finished {
  code: number | null
  signal: NodeJS.Signals | null
  out: string
  err: string
}

interface Running {
  child: ChildProcess
  out: () => string
  finished: Promise<Finished>
}

function start(bin: string, args: string[], env: Record<string, string> = {}): Running {
  const child = spawn(process.execPath, [join(BIN, `${bin}.js`), ...args], {
    stdio: 'pipe',
    env: { PATH: process.env['PATH'], ...env },
  })
  const texts = { out: '', err: '' }
  child.stdout.on('data', (chunk: Buffer) => (texts.out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (texts.err += chunk.toString()))
  const finished = new Promise<Finished>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, ...texts }))
  })
  return { child, out: () => texts.out, finished }
}

async function eventually(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise(resolve => setTimeout(resolve, 10))
}

interface Ready {
  data_path: string
  nsqd: { tcp_address: string; http_address: string }[]
  nsqlookupd: { tcp_address: string; http_address: string }[]
  nsqadmin: { http_address: string }[]
}

async function startDev(args: string[] = []): Promise<Running & { ready: Ready; nsqd: string }> {
  const running = start('nsq-ts', ['dev', '--json', ...args])
  await eventually(() => running.out().includes('\n'))
  const ready: Ready = JSON.parse(running.out())
  return { ...running, ready, nsqd: ready.nsqd[0]?.tcp_address ?? '' }
}

/** Waits until the first nsqd has so many messages. */
async function messageCount({ nsqd: [nsqd] }: Ready, count: number): Promise<void> {
  for (;;) {
    const stats = await (await fetch(`http://${nsqd?.http_address}/stats?format=json`)).text()
    if (stats.includes(`"message_count":${count}`)) return
    await new Promise(resolve => setTimeout(resolve, 10))
  }
}

describe('dev', () => {
  test('prints one ready line, and removes its data when stopped', async () => {
    const { child, ready, finished } = await startDev(['--nsqds', '2', '--topic', 'orders:a,b'])
    assert.equal(ready.nsqd.length, 2)
    assert.equal(ready.nsqlookupd.length, 1)
    assert.ok(existsSync(ready.data_path))
    for (const { http_address: http } of ready.nsqd) {
      const stats = await (await fetch(`http://${http}/stats?format=json`)).text()
      for (const name of ['"orders"', '"a"', '"b"']) assert.ok(stats.includes(name))
    }
    const admin = `http://${ready.nsqadmin[0]?.http_address}`
    await eventually(async () => (await (await fetch(`${admin}/api/topics`)).text()).includes('"orders"'))
    child.kill('SIGTERM')
    const { code, out } = await finished
    assert.equal(code, 0)
    assert.equal(out.trimEnd().split('\n').length, 1)
    assert.ok(!existsSync(ready.data_path))
  })

  test('keeps what it is told to keep', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-test-'))
    const first = await startDev(['--data-path', folder, '--topic', 't:c'])
    const published = start('to_nsq', ['-topic', 't', '-nsqd-tcp-address', first.nsqd])
    published.child.stdin?.end('kept\n')
    assert.equal((await published.finished).code, 0)
    first.child.kill('SIGINT')
    assert.equal((await first.finished).code, 0)
    const second = await startDev(['--data-path', folder])
    const args = ['-topic', 't', '-channel', 'c', '-n', '1', '-nsqd-tcp-address', second.nsqd]
    assert.equal((await start('nsq_tail', args).finished).out, 'kept\n')
    second.child.kill('SIGINT')
    await second.finished
    await rm(folder, { recursive: true })
  })

  test('moves when a port is taken, and says so', async () => {
    // Taken already or taken by this: either way it is.
    const servers = [4150, 4171].map(port => createServer().listen(port, '127.0.0.1'))
    await Promise.all(servers.map(server => once(server, 'listening').catch(() => {})))
    const { child, out, finished } = start('nsq-ts', ['dev'])
    await eventually(() => out().includes('Ctrl-C'))
    child.kill('SIGTERM')
    const result = await finished
    for (const server of servers) server.close()
    assert.equal(result.code, 0)
    const [, moved] = /Port 4171 is taken: nsqadmin listens on (\d+) instead\./.exec(result.out) ?? []
    assert.ok(result.out.includes(`http://127.0.0.1:${moved} (in the browser)`), result.out)
    assert.match(result.out, /Port 4150 is taken: nsqd listens on \d+ instead\./)
    assert.match(result.out, /nsq-ts tail --topic=greetings --nsqd-tcp-address=127\.0\.0\.1:\d+/)
  })

  test('--exec gives its command the addresses, and its exit code', async () => {
    const node = JSON.stringify(process.execPath)
    const bin = JSON.stringify(join(BIN, 'nsq-ts.js'))
    const command = `echo hi | ${node} ${bin} pub t && ${node} ${bin} tail t --channel c -n 1 && exit 7`
    const { finished } = start('nsq-ts', ['dev', '--topic', 't:c', '--exec', command])
    const { code, out } = await finished
    assert.equal(out, 'hi\n')
    assert.equal(code, 7)
  })

  test('--exec tells where nsqadmin is, and another one can be started with what it says', async () => {
    const bin = `${JSON.stringify(process.execPath)} ${JSON.stringify(join(BIN, 'nsq-ts.js'))}`
    const commands = [
      'echo "at $NSQADMIN_HTTP_ADDRESS"',
      // That both kinds of daemon are in the environment is no contradiction; that both are on the command line is.
      `log=$(mktemp); ${bin} nsqadmin --http-address 127.0.0.1:0 2> $log & pid=$!`,
      'until grep "HTTP: listening" $log; do kill -0 $pid || break; sleep 0.1; done',
      'kill $pid; wait $pid; echo "ended $?"; rm $log',
      `${bin} nsqadmin --nsqd-http-address x:1 --lookupd-http-address y:1 2>&1; echo "refused $?"`,
    ]
    const { out } = await start('nsq-ts', ['dev', '--exec', commands.join('\n')]).finished
    assert.match(out, /at 127\.0\.0\.1:\d+\n/)
    assert.match(out, /HTTP: listening on 127\.0\.0\.1:\d+\n/)
    assert.match(out, /ended 0/)
    assert.match(out, /exclude each other/)
    assert.match(out, /refused 2/)
    const without = await start('nsq-ts', [
      'dev',
      '--no-admin',
      '--exec',
      'echo "at ${NSQADMIN_HTTP_ADDRESS-none}"',
    ]).finished
    assert.equal(without.out, 'at none\n')
  })

  test('--exec reports a command that a signal ended', async () => {
    assert.equal((await start('nsq-ts', ['dev', '--exec', 'kill -TERM $$']).finished).code, 143)
  })

  test('--exec passes a signal on', async () => {
    const command = 'trap "echo stopping; exit 3" TERM; echo ready; while :; do sleep 0.05; done'
    const { child, out, finished } = start('nsq-ts', ['dev', '--exec', command])
    await eventually(() => out().includes('ready'))
    child.kill('SIGTERM')
    const result = await finished
    assert.equal(result.out, 'ready\nstopping\n')
    assert.equal(result.code, 3)
  })
})

describe('signals and pipes', () => {
  test('a folder as input is refused', async () => {
    const shell = spawn('sh', ['-c', `"${process.execPath}" "${join(BIN, 'nsq-ts.js')}" pub --topic t < .`], {
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let said = ''
    shell.stderr.on('data', (text: Buffer) => (said += text.toString()))
    const [code] = await once(shell, 'close')
    assert.equal(code, 1)
    assert.match(said, /standard input is a folder/)
  })

  test('a file is published from where it stands to its end', async () => {
    const { child, nsqd, finished } = await startDev(['--topic', 't:c'])
    const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-test-'))
    const file = join(folder, 'lines')
    // More than one read, and none ends with a line.
    const lines = Array.from({ length: 3000 }, (_, i) => `${i} ${'x'.repeat(i % 1000)}`)
    await writeFile(file, lines.join('\n'))
    const pub = `'${process.execPath}' '${join(BIN, 'nsq-ts.js')}' pub t --nsqd-tcp-address ${nsqd}`
    const [code] = await once(
      spawn('sh', ['-c', `{ read first; ${pub}; } < '${file}' 2> /dev/null`]),
      'close',
    )
    assert.equal(code, 0)
    const args = ['tail', 't', '--channel', 'c', '-n', '2999', '--nsqd-tcp-address', nsqd]
    assert.deepEqual((await start('nsq-ts', args).finished).out.trimEnd().split('\n'), lines.slice(1))
    await rm(folder, { recursive: true })
    child.kill('SIGTERM')
    await finished
  })

  test('a broken pipe ends tail quietly', async () => {
    const { child, nsqd, finished } = await startDev(['--topic', 't:c'])
    const published = start('nsq-ts', ['pub', 't', '--nsqd-tcp-address', nsqd])
    published.child.stdin?.end(`${'x'.repeat(1000)}\n`.repeat(5000))
    assert.match((await published.finished).err, /5,000 messages/)
    const tailed = start('nsq-ts', ['tail', 't', '--channel', 'c', '--nsqd-tcp-address', nsqd])
    await eventually(() => tailed.out().length > 0)
    tailed.child.stdout?.destroy()
    const { code, err } = await tailed.finished
    assert.equal(err, '')
    assert.equal(code, 0)
    child.kill('SIGTERM')
    await finished
  })

  test('output that cannot be written is a failure', { skip: !existsSync('/dev/full') }, async () => {
    const { child, nsqd, finished } = await startDev(['--topic', 't:c'])
    const published = start('to_nsq', ['-topic', 't', '-nsqd-tcp-address', nsqd])
    published.child.stdin?.end('a\n')
    await published.finished
    for (const args of ['pub t --json < /dev/null', 'tail t -n 1 --channel c', '--help']) {
      const command = `'${process.execPath}' '${join(BIN, 'nsq-ts.js')}' ${args} > /dev/full`
      const shell = spawn(command, { shell: true, stdio: 'pipe', env: { NSQ_NSQD_TCP_ADDRESS: nsqd } })
      let err = ''
      shell.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
      const [code] = await once(shell, 'close')
      assert.match(err, /nsq-ts: cannot write the output: .*ENOSPC/)
      assert.equal(code, 1)
    }
    child.kill('SIGTERM')
    await finished
  })

  test('everything is out before the process exits', async () => {
    const { child, nsqd, finished } = await startDev(['--topic', 't:c'])
    const published = start('nsq-ts', ['pub', 't', '--nsqd-tcp-address', nsqd])
    published.child.stdin?.end(`${'x'.repeat(999)}\n`.repeat(3000))
    await published.finished
    const args = ['tail', 't', '--channel', 'c', '-n', '3000', '--nsqd-tcp-address', nsqd]
    assert.equal((await start('nsq-ts', args).finished).out.length, 3_000_000)
    child.kill('SIGTERM')
    await finished
  })

  test('a second signal ends the process at once', async t => {
    const { child, nsqd, finished } = await startDev(['--topic', 't:c'])
    const tailed = start('nsq-ts', ['tail', 't', '--channel', 'c', '--nsqd-tcp-address', nsqd])
    const published = start('nsq-ts', ['pub', 't', '--nsqd-tcp-address', nsqd])
    published.child.stdin?.end('a\n')
    await published.finished
    await eventually(() => tailed.out() === 'a\n')
    // At the first signal tail takes leave of its nsqd, which does not answer any more.
    child.kill('SIGSTOP')
    // Two that come too close to each other are one to the system.
    const kills = setInterval(() => tailed.child.kill('SIGINT'), 100)
    t.after(() => clearInterval(kills))
    assert.equal((await tailed.finished).code, 130)
    clearInterval(kills)
    child.kill('SIGCONT')
    child.kill('SIGTERM')
    await finished
  })

  test('the first signal stops pub after what was read', async () => {
    const { child, ready, nsqd, finished } = await startDev(['--topic', 't'])
    const published = start('nsq-ts', ['pub', 't', '--nsqd-tcp-address', nsqd, '--json'])
    published.child.stdin?.write('a\nb\n')
    await messageCount(ready, 2)
    published.child.kill('SIGINT')
    const { code, out } = await published.finished
    assert.equal(code, 0)
    assert.match(out, /"messages":2,/)
    child.kill('SIGTERM')
    await finished
  })
})

describe('the daemons', () => {
  test('nsqd, nsqlookupd and nsqadmin run by their own names, and stop at a signal', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-test-'))
    const config = join(folder, 'nsqadmin.toml')
    await writeFile(config, 'nsqlookupd_http_addresses = ["127.0.0.1:1"]\nbase_path = "/nsq"\n')
    for (const [bin, args] of [
      ['nsqd', ['-tcp-address=127.0.0.1:0', '-data-path', folder]],
      ['nsqlookupd', ['-tcp-address=127.0.0.1:0']],
      ['nsqadmin', ['-config', config]],
    ] as const) {
      const { child, finished } = start(bin, ['-http-address', '127.0.0.1:0', ...args])
      let log = ''
      child.stderr?.on('data', (chunk: Buffer) => (log += chunk.toString()))
      await eventually(() => /HTTP: listening on/.test(log))
      child.kill('SIGTERM')
      assert.equal((await finished).code, 0)
    }
    await rm(folder, { recursive: true })
  })

  test('a command runs in a folder that was removed meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-test-'))
    const args = [join(BIN, 'nsq-ts.js'), 'topic', 'list', '--nsqd-http-address', '127.0.0.1:1']
    const child = spawn('sh', ['-c', 'rmdir "$0" && exec "$@"', folder, process.execPath, ...args], {
      cwd: folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let err = ''
    child.stderr.on('data', (chunk: Buffer) => (err += chunk.toString()))
    await once(child, 'close')
    assert.match(err, /^nsq-ts topic list: http:\/\/127\.0\.0\.1:1\/\S* cannot be reached/)
  })

  test('a port in use is named, with exit code 1 and no stack', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const bound = server.address()
    const address = `127.0.0.1:${typeof bound === 'object' ? bound?.port : 0}`
    const { code, err } = await start('nsqlookupd', ['--tcp-address', address]).finished
    server.close()
    assert.equal(code, 1)
    assert.ok(err.includes(`nsqlookupd: cannot listen on ${address}: the address is in use\n`))
    assert.doesNotMatch(err, /\n\s+at /)
  })

  test('every bin knows its version and its help', async () => {
    for (const bin of [
      'nsq-ts',
      'nsqd',
      'nsqlookupd',
      'nsqadmin',
      'to_nsq',
      'nsq_tail',
      'nsq_to_file',
      'nsq_stat',
    ]) {
      const version = await start(bin, ['-version']).finished
      assert.equal(version.code, 0)
      assert.match(version.out, new RegExp(`^${bin} v\\d`))
      const help = await start(bin, ['--help']).finished
      assert.equal(help.code, 0)
      assert.match(help.out, /Examples:/)
    }
  })
})
