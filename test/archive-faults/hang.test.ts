import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { seeded } from '../storage/random.ts'
import { finalFiles } from './archived.ts'
import { eventually } from './eventually.ts'
import { Numbered } from './numbered.ts'
import { expectAll, Rig } from './rig.ts'

test('an nsqd that hangs does not keep files from being completed when archive is told to end', async t => {
  const random = seeded(text => t.diagnostic(text))
  const messages = new Numbered('text', random.seed)
  const rig = await Rig.start(t, { random, messages })
  const [output, work] = [join(rig.folder, 'out'), join(rig.folder, 'work')]
  mkdirSync(output)
  const flags = [`--output-dir=${output}`, `--work-dir=${work}`, '--sync-interval=50ms', '--skip-empty-files']
  const archive = rig.archive(flags)
  await rig.stream.publish(1000)
  await eventually(
    async () => (await rig.waiting('t')) === 0,
    () => archive.log,
  )
  rig.hang()
  archive.send('SIGTERM')
  await eventually(
    () => finalFiles(output).length > 0,
    () => `nothing is in ${output}\n${archive.log}`,
  )
  await archive.kill()
  const paths = finalFiles(output).map(name => join(output, name))
  assert.equal(await expectAll(messages, 1000, paths, 'lines', 'none'), 0)
})
