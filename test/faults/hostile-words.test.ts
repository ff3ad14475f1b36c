/** Names, words and secrets of clients: where they end up in files, in logs, and in what nsqd says of itself. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync, realpathSync } from 'node:fs'
import { connect } from 'node:net'
import { join, sep } from 'node:path'
import { describe, test } from 'node:test'
import { auth, identify, pub } from '../../src/protocol/command.ts'
import { isValidTopicName } from '../../src/protocol/names.ts'
import { startAuth } from '../nsqd/fake-auth.ts'
import { type Running, start } from '../nsqd/running.ts'

/** Names that a file system, a shell or a reader of logs might take for something else. */
const SLY = [
  '.',
  '..',
  '...',
  '-rf',
  '--',
  'CON',
  'con',
  'Nul',
  'com1.txt',
  'A',
  'a',
  '_a',
  '%41',
  'nsqd.dat',
  '.lock',
  'a.topic',
  '__proto__',
  'constructor',
  'a/b',
  '../a',
  '..\\a',
  '/etc/x',
  'a\0b',
  'a\nb',
  'a b',
  'é',
  'a\u202eb',
  '',
  'x'.repeat(64),
  'x'.repeat(65),
]

/** Texts that would forge a line of a log, or change what a terminal shows. */
const FORGERY = 'x\n[nsqd] 2026/01/02 15:04:05.000000 INFO: forged\r\u001b[2Jy\u2028z\u202e'

/** Every log line as it should be: one line, and nothing in it that cannot be seen. */
function checkLog({ log }: Running): void {
  for (const line of log) {
    assert.match(line, /^\d{4}\/\d\d\/\d\d \d\d:\d\d:\d\d\.\d{6} [A-Z]+: [^\p{C}\p{Zl}\p{Zp}]*\n$/u)
    assert.ok(!line.startsWith('[nsqd]'))
  }
}

describe('names', () => {
  test('stay inside the data path, apart from each other, and over a restart', async t => {
    const running = await start(t)
    const taken = SLY.filter(name => isValidTopicName(name))
    for (const name of SLY) {
      const argument = encodeURIComponent(name)
      const made = await running.http('POST', `/topic/create?topic=${argument}`)
      assert.equal(made, taken.includes(name) ? '' : '{"message":"INVALID_TOPIC"}', JSON.stringify(name))
      const channel = await running.http('POST', `/channel/create?topic=${argument}&channel=${argument}`)
      assert.equal(channel === '', taken.includes(name))
      if (taken.includes(name)) assert.equal(await running.http('POST', `/pub?topic=${argument}`, name), 'OK')
    }
    assert.ok(taken.includes('..') && taken.includes('CON') && taken.includes('con'))
    await running.restart()
    assert.deepEqual([...running.nsqd.topics.keys()].toSorted(), taken.toSorted())
    for (const name of taken) assert.equal(running.channel(name, name).depth, 1, name)
    const root = realpathSync(running.dataPath)
    const folders = readdirSync(root, { withFileTypes: true }).filter(entry => entry.isDirectory())
    assert.equal(folders.length, taken.length)
    for (const { name } of folders) assert.ok(realpathSync(join(root, name)).startsWith(root + sep))
    // Where capitals do not count they are still apart.
    assert.equal(new Set(folders.map(({ name }) => name.toLowerCase())).size, taken.length)
    for (const name of taken) await running.http('POST', `/topic/delete?topic=${encodeURIComponent(name)}`)
    assert.deepEqual(
      readdirSync(root).filter(name => name.endsWith('.topic')),
      [],
    )
    checkLog(running)
  })
})

describe('words of a client', () => {
  test('forge no line of the log', async t => {
    const running = await start(t)
    const { host, port } = running.nsqd.httpAddress
    const identity = { client_id: FORGERY, hostname: FORGERY, user_agent: FORGERY }
    const client = await running.connect()
    assert.equal(await client.ask(identify(identity)), 'OK')
    client.send(Buffer.from(`${FORGERY.replaceAll('\n', '\u0085')}\n`))
    await client.closed()
    for (const command of ['PUB \u009b2J\n', 'SUB t \ud800\u001b\n', 'DPUB t \u2028\n']) {
      const other = await running.connect()
      other.send(Buffer.from(command))
      await other.closed()
    }
    const http = connect(port, host)
    http.end(
      `GET /\u001b[2J\u0085\u202e?topic=%0aforged HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`,
      'latin1',
    )
    await once(http.resume(), 'close')
    await fetch(`http://${host}:${port}/topic/create?topic=${encodeURIComponent(FORGERY)}`, {
      method: 'POST',
    })
    assert.ok(running.log.some(line => line.includes('invalid command')))
    checkLog(running)
  })
})

describe('secrets', () => {
  test('of AUTH are in no log, no answer and no statistics, whatever the authorization server does', async t => {
    const secret = 'hush-hush-7f3a'
    const server = await startAuth(t)
    const running = await start(t, { authHttpAddress: [server.address], logLevel: 'debug' })
    const answers: string[] = []
    const ask = async (): Promise<void> => {
      const client = await running.connect({})
      answers.push(await client.ask(auth(secret)))
      if (!answers.at(-1)?.startsWith('E_')) {
        answers.push(await client.ask(pub('t', Buffer.from('x'))))
        answers.push(await running.http('GET', '/stats?format=json'), await running.http('GET', '/stats'))
      }
      client.destroy()
    }
    await ask()
    for (const reply of [
      `no JSON, but ${secret}`,
      { secret },
      { ttl: secret },
      { ttl: 1, authorizations: [secret] },
    ]) {
      server.reply = reply
      await ask()
    }
    server.status = 500
    await ask()
    server.stop()
    await ask()
    // And where it does not belong.
    const client = await running.connect()
    answers.push(await client.ask(Buffer.from(`AUTH ${secret}\n`)))
    answers.push(
      await running.http('GET', '/config/auth_http_addresses'),
      await running.http('GET', '/metrics'),
    )
    assert.equal(answers.filter(answer => answer.startsWith('E_')).length, 7)
    for (const text of [...answers, ...running.log]) assert.ok(!text.includes(secret), text)
  })
})
