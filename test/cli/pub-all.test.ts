/** pub to all of several nsqds, of which one does not work. */
import assert from 'node:assert/strict'
import { PassThrough } from 'node:stream'
import { afterEach, test } from 'node:test'
import { commands } from '../../src/cli/commands.ts'
import { runProgram } from '../../src/cli/program.ts'
import { FakeNsqd } from '../client/fake-nsqd.ts'
import { until } from '../support/wait.ts'
import { fakeSurroundings } from './fakes.ts'

const nsqds: FakeNsqd[] = []
afterEach(async () => {
  for (const nsqd of nsqds.splice(0)) await nsqd.close()
})

async function pair(): Promise<[FakeNsqd, FakeNsqd]> {
  const both: [FakeNsqd, FakeNsqd] = [await FakeNsqd.start(), await FakeNsqd.start()]
  nsqds.push(...both)
  return both
}

/** Publishes `a` to both, then `b` and `c` when the second one is gone. */
async function publishAsOneDies(
  program: string,
  ...args: string[]
): Promise<[code: number, err: string, out: string]> {
  const [one, other] = await pair()
  const around = fakeSurroundings()
  const stdin = new PassThrough()
  const addresses = ['--nsqd-tcp-address', one.address, '--nsqd-tcp-address', other.address]
  const running = runProgram(program, [...args, ...addresses], commands, { ...around, stdin })
  stdin.write('a\n')
  await until(() => one.bodies.length + other.bodies.length === 2)
  await other.close()
  await until(() => around.err().includes(other.address))
  stdin.end('b\nc\n')
  const code = await running
  assert.deepEqual([one.bodies, other.bodies], [['a', 'b', 'c'], ['a']])
  const hide = (text: string): string => text.replaceAll(other.address, 'OTHER')
  return [code, hide(around.err()), hide(around.out())]
}

test('what one of them missed fails it, and is said', async () => {
  const [code, err] = await publishAsOneDies('nsq-ts', 'pub', 't', '--to', 'all')
  assert.equal(code, 1)
  assert.match(
    err,
    /^nsq-ts pub: 3 messages \(3 B\) to t in .*\nnsq-ts pub: nsqd OTHER has missed 2 messages/m,
  )
})

test('the same as to_nsq, and for a program', async () => {
  const [code, err, out] = await publishAsOneDies('to_nsq', '--topic', 't', '--json')
  assert.equal(code, 1)
  assert.match(err, /nsqd OTHER has missed 2 messages/)
  assert.match(out, /"missed":\{"OTHER":2\}/)
})

test('nothing is said when each has got everything', async () => {
  const [one, other] = await pair()
  const around = fakeSurroundings({}, ['a\n'])
  const args = ['pub', 't', '--to', 'all', '--json', '--nsqd-tcp-address', `${one.address},${other.address}`]
  assert.equal(await runProgram('nsq-ts', args, commands, around), 0)
  assert.doesNotMatch(around.err(), /missed/)
  assert.match(around.out(), /"missed":\{\}/)
})
