/** That nothing is mirrored to where it is from. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Cluster } from '../../../src/cli/dev/cluster.ts'
import { Logger, LogLevel } from '../../../src/util/logger.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { pause, until } from '../../support/wait.ts'
import { watchForLoop } from '../../../src/cli/mirror/loop.ts'
import { betweenFlags, Side, startMirror } from './rig.ts'

describe('mirror: loops', () => {
  test('the same nsqd by another name is refused, but for another topic', async t => {
    const side = await Side.start(t)
    const port = side.tcp.split(':')[1]
    await side.publish('logs', ['a'])
    const flags = ['--nsqd-tcp-address', side.tcp, '--destination-nsqd-tcp-address', `localhost:${port}`]
    const { code, err } = await startMirror(t, ['logs', ...flags]).done
    assert.equal(code, 1)
    assert.match(
      err,
      /nsqd localhost:\d+ is on both sides \(127\.0\.0\.1:\d+ and localhost:\d+ are the same\)/,
    )
    assert.match(err, /--destination-topic/)
    startMirror(t, ['logs', ...flags, '--destination-topic', 'copies'])
    assert.deepEqual(await side.bodies('copies', 1), ['a'])
    // Of several topics one is enough.
    const both = await startMirror(t, ['logs,copies', ...flags, '--destination-topic', 'copies']).done
    assert.match(both.err, /published to copies there/)
  })

  test('an nsqd that does not speak HTTP is known by its address', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    const { err } = await startMirror(t, [
      'logs',
      ...betweenFlags(from, to),
      '--destination-nsqd-tcp-address',
      from.tcp,
    ]).done
    assert.match(err, new RegExp(`nsqd ${from.tcp} is on both sides: `))
  })

  test('one of the cluster that is read from is refused, although it does not have the topic yet', async t => {
    const cluster = await Cluster.start({
      nsqds: 2,
      lookupds: 1,
      dataPath: temporaryFolder(),
      topics: [],
      ports: { nsqd: 0, lookupd: 0 },
      logger: prefix => new Logger({ prefix, level: LogLevel.fatal, write: () => {} }),
    })
    t.after(() => cluster.close())
    const [lookupd = '', nsqd = ''] = [cluster.lookupds[0]?.http, cluster.nsqds[1]?.tcp]
    while (!(await (await fetch(`http://${lookupd}/nodes`)).text()).includes(`:${nsqd.split(':')[1]}`))
      await pause(5)
    const from = ['--lookupd-http-address', lookupd]
    for (const to of [
      ['--destination-nsqd-tcp-address', nsqd],
      ['--destination-lookupd-http-address', lookupd],
    ]) {
      const { code, err } = await startMirror(t, ['logs', ...from, ...to]).done
      assert.equal(code, 1)
      assert.match(err, /is on both sides/)
    }
  })

  test('one that only turns up later on both sides is noticed', async t => {
    const [from, to] = [await Side.start(t), await Side.start(t)]
    const stop = new AbortController()
    const connected = [from.tcp]
    let looks = 0
    const source = () => {
      looks++
      return { nsqd: connected, lookupd: [], asking: {} }
    }
    const destination = () => ({ nsqd: [to.tcp], lookupd: [], asking: {} })
    const watching = watchForLoop(['logs'], source, destination, stop.signal, 5)
    await until(() => looks > 3)
    connected.push(to.tcp)
    await assert.rejects(watching, { code: 'E_LOOP' })
    const others = watchForLoop(
      ['logs'],
      () => ({ ...source(), nsqd: [from.tcp] }),
      destination,
      stop.signal,
      5,
    )
    stop.abort()
    await others
  })
})
