/** Runs the examples of docs/nsqadmin.md, each section against an nsqadmin as it describes it. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { after, before, describe, test } from 'node:test'
import { Nsqadmin } from '../../src/nsqadmin/daemon.ts'
import { resolveNsqadminOptions } from '../../src/nsqadmin/options.ts'
import { formatAddress } from '../../src/util/address.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { checkable, DocShell } from './doc-shell.ts'
import { withAddresses } from '../support/addresses.ts'
import { blocks, page, ROOT } from './markdown.ts'

const TOKEN = 'a-token-for-this'

/** How nsqadmin was started, by the heading above the example. */
const OPTIONS: Record<string, Parameters<typeof resolveNsqadminOptions>[0]> = {
  'Read-only': { readOnly: true },
  'A token': { authToken: TOKEN },
  'Users of a proxy': { adminUser: ['ada'] },
  'For scripts': {},
}

describe('docs/nsqadmin.md', () => {
  const skip = spawnSync('curl', ['--version']).error !== undefined && 'there is no curl here'
  const document = page('docs/nsqadmin.md')
  const scripts = checkable(blocks(document))
  let shell: DocShell
  before(async () => (shell = await DocShell.start()))
  after(() => shell.close())

  test('has examples to run', () => assert.ok(scripts.length > 4))
  for (const { section, text } of scripts) {
    test(`${section}: ${text}`, { skip }, async () => {
      const given = OPTIONS[section]
      assert.ok(given !== undefined, `how is nsqadmin started for "${section}"?`)
      const nsqd = `http://${shell.nsqdHttp}`
      await fetch(`${nsqd}/topic/create?topic=orders`, { method: 'POST' })
      const admin = new Nsqadmin(
        resolveNsqadminOptions({ httpAddress: '127.0.0.1:0', nsqdHttpAddress: [shell.nsqdHttp], ...given }),
        new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} }),
      )
      await admin.start()
      try {
        const here = withAddresses(text, { '127.0.0.1:4171': formatAddress(admin.httpAddress) })
        // One answer a line; curl ends none.
        const script = here.replaceAll('curl -s', "curl -s -w '\\n'")
        await shell.check(script, { NSQ_AUTH_TOKEN: TOKEN })
      } finally {
        await admin.close()
      }
    })
  }

  test('shows every picture that there is, and no other', () => {
    const shown = Array.from(document.text.matchAll(/\]\((images\/[^)]+)\)/g), ([, path = '']) => path)
    const there = readdirSync(new URL('docs/images/', ROOT)).filter(name => name.startsWith('nsqadmin-'))
    assert.deepEqual(shown.sort(), there.map(name => `images/${name}`).sort())
  })
})
