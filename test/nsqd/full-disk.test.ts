import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { fin, mpub, pub } from '../../src/protocol/command.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type RawClient } from './raw-client.ts'
import { pause, until } from '../support/wait.ts'
import { Running, type Given } from './running.ts'

const MIB = 1024 * 1024
/** What a file takes at least. */
const PAGE = 4096
/** A file that takes half of the disk, until there is to be room. */
const BALLAST = 'ballast'

/** A file system of 8 MiB, gone when the test ends; undefined when this user may not mount one. */
function smallDisk(t: TestContext): string | undefined {
  const path = join(temporaryFolder(), 'disk')
  mkdirSync(path)
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', path], { stdio: 'ignore' })
  } catch {
    t.skip('cannot mount a small disk: this needs root, on Linux')
    return undefined
  }
  return path
}

/** An nsqd on a small disk. */
async function startOn(t: TestContext, given: Given = {}): Promise<Running | undefined> {
  const cleanUp: (() => unknown)[] = []
  // Before the folder in which the disk is mounted goes.
  t.after(async () => {
    for (const step of cleanUp) await step()
  })
  const disk = smallDisk(t)
  if (disk === undefined) return undefined
  const running = new Running(disk, given)
  const ballast = join(disk, BALLAST)
  cleanUp.push(
    () => rmSync(ballast, { force: true }),
    () => running.stop(),
    // Whatever a write in the background still has open is closed soon: no descriptor may stay.
    () =>
      until(
        () => openFiles(disk).length === 0,
        () => `still open: ${openFiles(disk).join(', ')}`,
      ),
    () => execFileSync('umount', [disk]),
  )
  await running.start()
  writeFileSync(ballast, Buffer.alloc(4 * MIB))
  return running
}

/** Publishes until nothing more is taken; gives what was. */
async function fill(running: Running, size: number): Promise<Set<string>> {
  const taken = new Set<string>()
  for (let i = 0; i < 20_000; i++) {
    const client = await running.connect()
    for (;;) {
      const body = `message ${taken.size} of ${i} `.padEnd(size, '.')
      const reply = await client.ask(pub('t', body))
      if (reply === 'OK') {
        taken.add(body)
        continue
      }
      assert.match(reply, /^E_PUB_FAILED /)
      await client.closed()
      return taken
    }
  }
  throw new Error('the disk did not fill up')
}

async function drain(running: Running, client: RawClient): Promise<Set<string>> {
  const got = new Set<string>()
  await until(() => {
    for (const { id, body } of client.takeAll()) {
      got.add(body)
      client.send(fin(id))
    }
    return running.channel().depth + running.channel().inFlightCount === 0
  })
  return got
}

/** The files below this path that this process has open. */
function openFiles(path: string): string[] {
  return readdirSync('/proc/self/fd').flatMap(fd => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`)
      return target.startsWith(path) ? [target] : []
    } catch {
      // It was closed meanwhile.
      return []
    }
  })
}

function makeRoom(running: Running): void {
  rmSync(join(running.dataPath, BALLAST))
}

/** Numbers of segments below this one are set aside, as nsqd.dat says. */
function segmentReserve(running: Running): number {
  const text = readFileSync(join(running.dataPath, 'nsqd.dat'), 'utf8')
  return Number(/"segment_reserve":(\d+)/.exec(text)?.[1])
}

/** Takes the last bytes of the disk. */
function useUp(running: Running): void {
  const path = join(running.dataPath, BALLAST)
  for (let size = 64 * 1024; size >= 1; size = Math.floor(size / 2)) {
    try {
      for (;;) writeFileSync(path, Buffer.alloc(size), { flag: 'a' })
    } catch (error) {
      assert.ok(error instanceof Error && 'code' in error && error.code === 'ENOSPC')
    }
  }
}

for (const durability of ['process', 'power'] as const) {
  describe(`a full disk, --durability=${durability}`, () => {
    test('refuses publishes, says so, and takes them again when there is room', async t => {
      const running = await startOn(t, { durability })
      if (running === undefined) return
      running.nsqd.topic('t').channel('c')
      const taken = await fill(running, 10_000)
      assert.ok(taken.size > 100)
      assert.match(await running.http('GET', '/ping'), /NOK - ENOSPC/)
      assert.match(await running.http('POST', '/pub?topic=t', 'x'.repeat(10_000)), /INTERNAL_ERROR/)
      const batch = await running.connect()
      assert.match(await batch.ask(mpub('t', ['x'.repeat(9000), 'y'.repeat(9000)])), /^E_PUB_FAILED /)
      // Messages are still delivered, finished and put off.
      const consumer = await running.subscribe(1)
      const first = await consumer.message()
      consumer.send(fin(first.id))
      taken.delete(first.body)
      await consumer.settled()
      makeRoom(running)
      const more = await running.connect()
      assert.equal(await more.ask(pub('t', 'there is room')), 'OK')
      // The list of topics and a checkpoint may have been refused, too, and are tried again a little later. That a checkpoint
      // was may even be known only now.
      await until(async () => (await running.http('GET', '/ping')) === 'OK')
      taken.add('there is room')
      consumer.destroy()
      await running.restart()
      assert.deepEqual(await drain(running, await running.subscribe(100)), taken)
      // A checkpoint may be on its way at this moment.
      await until(
        () => !readdirSync(join(running.dataPath, 't.topic')).some(name => /bad|tmp/.test(name)),
        () => 'litter stays',
      )
    })
  })
}

describe('a full disk', () => {
  test('is freed by consuming, while nothing is lost', async t => {
    const running = await startOn(t, { maxBytesPerFile: 500_000 })
    if (running === undefined) return
    running.nsqd.topic('t').channel('c')
    const taken = await fill(running, 20_000)
    const consumer = await running.subscribe(10)
    assert.deepEqual(await drain(running, consumer), taken)
    await until(() => running.topic().log.bytesOnDisk < 600_000)
    const client = await running.connect()
    assert.equal(await client.ask(pub('t', 'again')), 'OK')
  })

  test('takes no new topic, and says so', async t => {
    const running = await startOn(t)
    if (running === undefined) return
    await fill(running, 100_000)
    useUp(running)
    const client = await running.connect()
    const reply = await client.ask(pub('new', 'x'.repeat(10_000)))
    assert.match(reply, /^E_PUB_FAILED /)
  })

  test('does not keep the state from being saved once there is room', async t => {
    const running = await startOn(t)
    if (running === undefined) return
    running.nsqd.topic('t').channel('c')
    const taken = await fill(running, 10_000)
    useUp(running)
    const consumer = await running.subscribe(1)
    for (let i = 0; i < 10; i++) {
      const { id, body } = await consumer.message()
      consumer.send(fin(id))
      taken.delete(body)
    }
    await consumer.settled()
    await until(() => running.log.some(line => line.includes('refuses the checkpoint of topic t')))
    makeRoom(running)
    await running.restart()
    const got = await drain(running, await running.subscribe(100))
    // The one that was in flight comes again, no other.
    assert.deepEqual(got, taken)
  })

  test('does not keep nsqd from starting: what is there is delivered, and nothing is taken', async t => {
    const running = await startOn(t, { maxBytesPerFile: 500_000 })
    if (running === undefined) return
    running.nsqd.topic('t').channel('c')
    const taken = await fill(running, 20_000)
    await running.stop()
    useUp(running)
    // For the lock of the data path, and no more.
    const ballast = join(running.dataPath, BALLAST)
    truncateSync(ballast, statSync(ballast).size - PAGE)
    const before = segmentReserve(running)
    await running.begin()
    assert.match(await running.http('GET', '/ping'), /NOK - cannot write .*nsqd.dat: ENOSPC/)
    assert.equal(segmentReserve(running), before)
    const producer = await running.connect()
    // No number is set aside for the segment that this would be in.
    assert.match(await producer.ask(pub('t', 'small')), /^E_PUB_FAILED /)
    assert.deepEqual(await drain(running, await running.subscribe(10)), taken)
    // What was delivered makes room, as soon as a checkpoint says so.
    let reply = ''
    for (let i = 0; reply !== 'OK' && i < 1000; i++) {
      reply = await (await running.connect()).ask(pub('t', 'again'))
      await pause(10)
    }
    assert.equal(reply, 'OK')
    assert.ok(running.topic().log.last.number < segmentReserve(running))
  })
})
