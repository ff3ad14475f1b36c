import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { pub } from '../../src/protocol/command.ts'
import { type Given, Running, start } from '../nsqd/running.ts'
import { seeded } from '../storage/random.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause, until } from '../support/wait.ts'
import { BrokenDisk, brokenDisk, type DiskFault } from './broken-disk.ts'
import { Ledger } from './ledger.ts'
import { Load, SHAPE } from './support/load.ts'

const GIVEN: Given = { maxBytesPerFile: 30_000, memQueueBytes: 1024 * 1024, msgTimeout: 2500 }

interface Case {
  readonly what: string
  readonly fault: DiskFault
  readonly given?: Given
  /** Publishers get an error. */
  readonly refuses?: boolean
  /** `/ping` says so. */
  readonly isUnhealthy?: boolean
  /** So many calls must have failed; some are rare. */
  readonly least?: number
}

const CASES: readonly Case[] = [
  {
    what: 'a full disk for messages',
    fault: { call: 'write', path: /\.(log|idx)$/, code: 'ENOSPC' },
    refuses: true,
    isUnhealthy: true,
  },
  {
    what: 'an index that cannot be written to',
    fault: { call: 'write', path: /\.idx$/, code: 'EIO' },
    given: { durability: 'power' },
    refuses: true,
    isUnhealthy: true,
  },
  {
    what: 'a sync that fails, with publishers who wait for it',
    fault: { call: 'sync', path: /\.(log|idx)$/, code: 'EIO' },
    given: { durability: 'power' },
    refuses: true,
    isUnhealthy: true,
  },
  {
    what: 'a sync that fails, with publishers who do not wait for it',
    fault: { call: 'sync', path: /\.(log|idx)$/, code: 'EIO' },
    given: { syncEvery: 20, syncTimeout: 20 },
    isUnhealthy: true,
  },
  {
    what: 'too many open files',
    fault: { call: 'open', path: /\.topic/, code: 'EMFILE' },
    refuses: true,
    isUnhealthy: true,
  },
  {
    what: 'a disk that became read-only',
    fault: {
      call: ['write', 'sync', 'truncate', 'rename', 'remove', 'mkdir'],
      code: 'EROFS',
      path: /nsq-ts-test-/,
    },
    refuses: true,
    isUnhealthy: true,
  },
  {
    what: 'a full disk for checkpoints',
    fault: { call: 'write', path: /checkpoint/, code: 'ENOSPC' },
    isUnhealthy: true,
  },
  {
    what: 'checkpoints that cannot be put in place',
    fault: { call: 'rename', path: /checkpoint/, code: 'EIO' },
    given: { durability: 'power' },
    isUnhealthy: true,
  },
  { what: 'segments that cannot be deleted', fault: { call: 'remove', path: /\.(log|idx)$/, code: 'EIO' } },
  {
    what: 'messages that cannot be moved',
    fault: { call: ['write', 'sync'], path: /\.kept$/, code: 'EIO' },
    least: 1,
  },
  { what: 'segments that cannot be read', fault: { call: 'read', path: /\.log$/, code: 'EIO' } },
  { what: 'files that cannot be closed', fault: { call: 'close', path: /\.topic/, code: 'EIO' } },
  {
    what: 'a disk on which nothing works',
    fault: {
      call: [
        'open',
        'close',
        'read',
        'write',
        'sync',
        'truncate',
        'rename',
        'remove',
        'mkdir',
        'list',
        'stat',
      ],
      code: 'EIO',
      path: /nsq-ts-test-/,
    },
    given: { durability: 'power', retainBytes: 100_000 },
    refuses: true,
    isUnhealthy: true,
  },
]

/** An nsqd in this process under load, with a disk that can be broken. */
async function underLoad(
  t: TestContext,
  dataPath: string,
  given: Given,
  meanwhile: (running: Running, load: Load, ledger: Ledger) => Promise<void>,
): Promise<void> {
  const random = seeded(text => t.diagnostic(text))
  const ledger = new Ledger()
  const load = new Load({ ledger, random, generation: () => undefined, longestDelayMs: 100, pauseMs: 60 })
  const running = new Running(dataPath, { ...GIVEN, ...given })
  t.after(() => running.stop())
  await running.start()
  const served = (): { tcp: Running['nsqd']['tcpAddress']; http: Running['nsqd']['httpAddress'] } => ({
    tcp: running.nsqd.tcpAddress,
    http: running.nsqd.httpAddress,
  })
  await load.prepare(served())
  let isOver = false
  const over = load.run(served(), () => isOver)
  try {
    await pause(150)
    await meanwhile(running, load, ledger)
    await pause(100)
  } finally {
    isOver = true
    await over
  }
  await load.finish(served())
  await running.restart()
  await load.findNothing(served(), 100)
  await running.stop()
}

/** That publishes are taken, and that all is well. */
async function recovered(running: Running): Promise<void> {
  for (const topic of [...Object.keys(SHAPE), 'new']) {
    const client = await running.connect()
    assert.equal(await client.ask(pub(`${topic}.after`, 'well again')), 'OK')
    client.destroy()
  }
  await until(
    () => running.nsqd.health === 'OK',
    () => `${running.nsqd.health}\n${running.log.slice(-10).join('\n')}`,
  )
  // Something that was begun before may still fail behind that.
  let said = ''
  for (let i = 0; i < 50 && said !== 'OK'; i++) {
    said = await running.http('GET', '/ping')
    await pause(20)
  }
  assert.equal(said, 'OK')
}

describe('a broken disk under load loses nothing acknowledged, and is used again when it is whole:', () => {
  for (const { what, fault, given = {}, refuses = false, isUnhealthy = false, least = 3 } of CASES) {
    test(what, async t => {
      const disk = new BrokenDisk()
      t.after(() => disk.uninstall())
      await disk.install()
      await underLoad(t, temporaryFolder(), given, async (running, load, ledger) => {
        const { finished } = ledger.counts
        const refused = load.refused
        const injected = disk.fail(fault)
        await until(
          () => injected.count >= least,
          () => `${what}: ${injected.count} calls failed`,
        )
        if (refuses) await until(() => load.refused > refused)
        if (isUnhealthy) {
          await until(
            () => running.nsqd.health.startsWith('NOK - '),
            () => running.log.slice(-5).join('\n'),
          )
          assert.match(await running.http('GET', '/ping'), new RegExp(`NOK - .*${fault.code}`))
        }
        await until(() => ledger.counts.finished > finished)
        disk.heal()
        await recovered(running)
        t.diagnostic(`${injected.count} calls failed, ${load.refused} publishes refused`)
      })
    })
  }

  test('one that is mounted read-only for a while', async t => {
    const small = SmallDisk.mount(t, 64 * 1024 * 1024)
    if (small === undefined) return
    await underLoad(t, small.path, {}, async (running, load) => {
      await until(async () => {
        // It cannot become read-only while files are open for writing.
        for (const topic of running.nsqd.topics.values()) topic.log.closeFiles()
        try {
          small.remount('ro')
          return true
        } catch {
          // As that of a checkpoint, which needs turns of this process to be closed.
          await pause(100)
          return false
        }
      })
      const refused = load.refused
      await until(() => load.refused > refused)
      assert.match(await running.http('GET', '/ping'), /NOK - .*EROFS/)
      small.remount('rw')
      await recovered(running)
    })
  })
})

test('what goes well in memory says nothing of the disk', async t => {
  const disk = await brokenDisk(t)
  const running = await start(t)
  const client = await running.connect()
  assert.equal(await client.ask(pub('t', 'first')), 'OK')
  disk.fail({ call: 'write', path: /t\.topic/, code: 'ENOSPC' })
  assert.match(await client.ask(pub('t', 'refused')), /^E_PUB_FAILED /)
  const other = await running.connect()
  assert.equal(await other.ask(pub('t#ephemeral', 'taken')), 'OK')
  assert.match(await running.http('GET', '/ping'), /NOK - ENOSPC/)
})

describe('one client that publishes to several topics without waiting', () => {
  test('is told OK for none behind one that the disk has refused', async t => {
    const disk = await brokenDisk(t)
    const running = await start(t)
    const client = await running.connect()
    for (const topic of ['one', 'two']) assert.equal(await client.ask(pub(topic, 'first')), 'OK')
    disk.fail({ call: 'write', path: /one\.topic/, code: 'ENOSPC' })
    client.send(pub('one', 'refused'), pub('two', 'taken'), pub('two', 'taken as well'))
    assert.match(await client.reply(), /^E_PUB_FAILED /)
    await client.closed()
  })

  test('is told OK in the order of its publishes, whichever topic is synced first', async t => {
    const disk = await brokenDisk(t)
    const running = await start(t, { durability: 'power' })
    const client = await running.connect()
    for (const topic of ['one', 'two']) assert.equal(await client.ask(pub(topic, 'first')), 'OK')
    const fault = disk.fail({ call: 'sync', path: /one\.topic/, code: 'EIO' })
    const other = await running.subscribe(5, { topic: 'two' })
    client.send(pub('two', 'taken'), pub('one', 'refused'), pub('two', 'taken as well'))
    const bodies = (await other.messages(3)).map(({ body }) => body)
    assert.deepEqual(bodies, ['first', 'taken', 'taken as well'])
    const replies = [await client.reply()]
    while (!client.isClosed) replies.push(await client.reply().catch(() => 'closed'))
    assert.ok(fault.count > 0)
    assert.match(replies.join(), /^(OK,)?E_PUB_FAILED [^,]*,closed$/)
  })
})
