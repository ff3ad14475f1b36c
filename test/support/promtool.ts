/** Prometheus' own checker, of Debian's package `prometheus`. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { temporaryFolder } from './temporary-folder.ts'

/** The reason to skip a test where promtool is missing; false where it is there. */
export const promtoolMissing: string | false =
  spawnSync('promtool', ['--version']).error === undefined ? false : 'promtool is not installed'

/** Fails unless `promtool check metrics` takes this without complaint. */
export function checkMetrics(text: string): void {
  const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], {
    input: text,
    encoding: 'utf8',
  })
  assert.equal(`${stdout}${stderr}`, '')
  assert.equal(status, 0)
}

/** Fails unless Prometheus' strict parser of OpenMetrics takes this: the one behind promtool's backfilling. */
export function checkOpenMetrics(text: string): void {
  const folder = temporaryFolder()
  const file = join(folder, 'metrics.txt')
  // It wants to know when each sample was taken.
  writeFileSync(file, text.replaceAll(/^([^#\n].*)$/gm, '$1 1700000000.000'))
  const flags = ['tsdb', 'create-blocks-from', 'openmetrics', '--quiet', file, join(folder, 'blocks')]
  const { status, stdout, stderr } = spawnSync('promtool', flags, { encoding: 'utf8' })
  assert.equal(status, 0, `${stdout}${stderr}`)
}
