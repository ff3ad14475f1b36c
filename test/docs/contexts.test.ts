/** Runs the examples of docs/contexts.md, in their order, as a user who has no context yet and no variable set. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { parsePlain } from '../../src/cli/context/toml.ts'
import { CONTEXT_KEYS } from '../../src/cli/context/keys.ts'
import { DocShell } from './doc-shell.ts'
import { blocks, page } from './markdown.ts'

describe('docs/contexts.md', () => {
  const skip = spawnSync('jq', ['--version']).error !== undefined && 'there is no jq here'
  const document = page('docs/contexts.md')
  const scripts = blocks(document).filter(({ language }) => language === 'sh')
  let shell: DocShell
  let env: Record<string, string> = {}

  before(async () => {
    shell = await DocShell.start()
    await writeFile(join(shell.folder, 'secret.txt'), 'open sesame\n')
    const absent = ['XDG_CONFIG_HOME', 'XDG_CACHE_HOME', 'XDG_RUNTIME_DIR', 'NSQ_CONFIG_DIR']
    const addresses = ['NSQ_NSQD_TCP_ADDRESS', 'NSQ_NSQD_HTTP_ADDRESS', 'NSQ_LOOKUPD_HTTP_ADDRESS']
    env = Object.fromEntries([...absent, ...addresses].map(name => [name, '']))
    env['HOME'] = shell.folder
  })
  after(() => shell.close())

  test('has examples to run', () => assert.ok(scripts.length > 4))
  for (const { section, text } of scripts) {
    test(`${section}: ${text}`, { skip }, async () => {
      const here = shell.here(text)
      if (here.includes('# → ')) return shell.check(here, env)
      const { code, err } = await shell.start('bash', ['-e', '-c', here], env).finished
      assert.equal(code, 0, err)
    })
  }

  test('shows a file that is as we write it, and every key that there is', () => {
    const file = blocks(document).find(({ language }) => language === 'toml')
    assert.ok(parsePlain(file?.text ?? '') !== undefined)
    for (const key of Object.keys(CONTEXT_KEYS)) assert.ok(document.text.includes(`\`${key}\``), key)
  })
})
