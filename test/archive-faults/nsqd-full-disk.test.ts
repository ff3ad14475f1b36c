/** nsqd's own disk is full: publishers hear of it, archive goes on with what there is, and all resumes when there is room. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Producer } from '../../src/index.ts'
import { formatAddress } from '../../src/util/address.ts'
import { seeded } from '../storage/random.ts'
import { finalFiles, litter } from './archived.ts'
import { eventually } from './eventually.ts'
import { Numbered } from './numbered.ts'
import { expectAll, Rig } from './rig.ts'
import { SmallDisk } from '../support/small-disk.ts'
import { testFiles } from './system-tools.ts'

const DISK_BYTES = 8 * 1024 * 1024
const PATIENCE_MS = 60_000
const FILLS = 3

test('the disk of nsqd fills up while messages are archived', async t => {
  const random = seeded(text => t.diagnostic(text))
  const messages = new Numbered('text', random.seed)
  const disk = SmallDisk.mount(t, DISK_BYTES)
  if (disk === undefined) return
  const rig = await Rig.start(t, { random, messages, dataPath: join(disk.path, 'nsqd'), nsqdCrashes: true })
  const output = join(rig.folder, 'out')
  mkdirSync(output)
  const flags = [`--output-dir=${output}`, '--gzip', '--rotate-size=100000', '--skip-empty-files']
  const archive = rig.archive([...flags, '--sync-interval=50ms'])

  // nsqd ends the connection of who is refused.
  const producer = new Producer({
    nsqd: [formatAddress(rig.nsqd)],
    retries: 0,
    reconnectDelayMs: 1,
    maxReconnectDelayMs: 5,
    onError: () => undefined,
  })
  t.after(() => producer.close(0))
  let next = 0
  let refused = 0
  /** One message at a time, and a refused one again: its number is to be archived, too. */
  const publish = async (count: number, most = Infinity): Promise<void> => {
    for (let done = 0, tries = 0; done < count && tries < most; tries++) {
      try {
        await producer.publish('t', messages.body(next))
        next++
        done++
      } catch {
        refused++
      }
    }
  }
  for (let i = 0; i < FILLS; i++) {
    await publish(500)
    disk.fill()
    const before = refused
    await publish(10_000, 200)
    assert.ok(refused > before, 'the disk did not fill up')
    assert.ok(archive.isRunning, archive.log)
    disk.makeRoom()
    await publish(500)
  }
  await eventually(
    async () => (await rig.waiting('t')) === 0,
    () => `archive does not go on\n${archive.log}`,
  )
  archive.send('SIGTERM')
  const { code, stderr } = await archive.end(PATIENCE_MS)
  assert.equal(code, 0, stderr)
  const paths = finalFiles(output).map(name => join(output, name))
  await testFiles(paths, 'gzip')
  await expectAll(messages, next, paths, 'lines', 'gzip')
  assert.deepEqual(litter(output), [])
})
