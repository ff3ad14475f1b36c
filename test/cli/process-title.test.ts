import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { describe, test } from 'node:test'
import { titleWithoutSecrets } from '../../src/cli/process-title.ts'
import { listenTcp } from '../../src/net/listen.ts'
import { option } from '../../src/util/option.ts'
import { until } from '../support/wait.ts'

const table = {
  topic: option.string('A topic', undefined),
  token: option.string('A token', undefined, { secret: true }),
  opt: option.strings('Settings'),
  to: option.strings('Where to'),
}

describe('titleWithoutSecrets', () => {
  for (const [what, args, shown] of [
    ['a secret flag', ['--topic=t', '--token=hush', 'more'], '--topic=t --token=*** more'],
    [
      'a secret setting',
      ['--opt=auth_secret,hush,hush', '--opt=snappy,true'],
      '--opt=auth_secret,*** --opt=snappy,true',
    ],
    ['a password', ['--to=http://ada:hu,sh@h:4151'], '--to=http://ada:***@h:4151'],
    ['passwords', ['--to=http://a:hush@h,https://b:hush@i'], '--to=http://a:***@h,https://b:***@i'],
    ['passwords without http', ['--to=a:hush@h:4161,b:hush@i'], '--to=a:***@i'],
    ['a user who is a token', ['--to=https://hush@h/in'], '--to=https://***@h/in'],
    ['the fragment of a URL', ['--to=HTTPS://h/in#hush'], '--to=HTTPS://h/in#***'],
    ['the query of a URL', ['--to=https://h/in?key=hush&n=1'], '--to=https://h/in?***'],
    ['an argument without a flag', ['http://a:hush@h'], 'http://a:***@h'],
  ] as const) {
    test(`hides ${what}`, () => {
      assert.equal(titleWithoutSecrets('nsq-ts work', args, table), `node nsq-ts work ${shown}`)
    })
  }

  test('is none where there is no secret', () => {
    assert.equal(titleWithoutSecrets('nsqd', ['--topic=token', '--to=http://h/?', 'x'], table), undefined)
    assert.equal(titleWithoutSecrets('nsqd', ['--to=http://h'], table), undefined)
  })
})

test(
  'a process does not show its secrets to those who list processes',
  { skip: !existsSync('/proc/self/cmdline') },
  async t => {
    // It answers nothing, so that who connects waits.
    const server = createServer()
    t.after(() => server.close())
    const { port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
    const main = new URL('../../src/cli/main.ts', import.meta.url).pathname
    const args = [
      'tail',
      '--topic',
      't',
      '--auth-secret',
      'hush-hush',
      '--nsqd-tcp-address',
      `127.0.0.1:${port}`,
    ]
    const script = `import { main } from '${main}'; await main('nsq-ts')`
    const flags = ['--import', 'tsx', '--input-type=module', '-e', script, '--', 'nsq-ts', ...args]
    const child = spawn(process.execPath, flags, { stdio: 'ignore' })
    const gone = once(child, 'exit')
    t.after(async () => {
      child.kill('SIGKILL')
      await gone
    })
    const commandLine = (): string => readFileSync(`/proc/${child.pid}/cmdline`, 'latin1')
    assert.match(commandLine(), /hush-hush|^$/)
    await until(() => commandLine().startsWith('node nsq-ts tail'), commandLine)
    assert.match(commandLine(), /--topic=t --auth-secret=\*\*\* --nsqd-tcp-address=127/)
    assert.ok(!commandLine().includes('hush'))
  },
)
