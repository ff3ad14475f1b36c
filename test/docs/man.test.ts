import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { manPages } from '../../scripts/man/pages.ts'
import { commands } from '../../src/cli/commands.ts'
import { spelled } from '../../src/util/option-values.ts'
import { ROOT } from './markdown.ts'
import { optionTables } from './options.ts'

const FOLDER = new URL('man/', ROOT)
const REMAKE = 'make it again with: npm run docs'
const files = readdirSync(FOLDER)
const paths = files.map(name => fileURLToPath(new URL(name, FOLDER)))

function missing(program: string): string | false {
  return spawnSync(program, ['--version']).error === undefined ? false : `${program} is not installed`
}

function text(name: string): string {
  return readFileSync(new URL(name, FOLDER), 'utf8')
}

const ESCAPES: Readonly<Record<string, string>> = {
  '\\-': '-',
  '\\e': '\\',
  '\\&': '',
  '\\(aq': "'",
  '\\(ha': '^',
  '\\(ti': '~',
  '\\(ga': '`',
}

/** What is read, with the macros, but without the escapes of roff. */
function plain(name: string): string {
  return text(name).replaceAll(/\\(?:f[BIR]|\(..|.)/g, escape => ESCAPES[escape] ?? '')
}

describe('man pages', () => {
  test('are what the definitions make, and no others', async () => {
    const pages = await manPages()
    assert.deepEqual(files, [...pages.keys()].sort(), REMAKE)
    for (const [name, made] of pages) assert.equal(text(name), made, `${name}: ${REMAKE}`)
  })

  test('are installed by npm', () => {
    const manifest: unknown = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
    assert.ok(typeof manifest === 'object' && manifest !== null)
    assert.deepEqual(
      Reflect.get(manifest, 'man'),
      files.map(name => `man/${name}`),
      REMAKE,
    )
  })

  test('are there for every command, and for every official name', () => {
    for (const { name, bin } of commands) {
      assert.ok(files.includes(`nsq-ts-${name.replaceAll(' ', '-')}.1`), name)
      if (bin !== undefined) assert.ok(files.includes(`${bin}.1`), bin)
    }
  })

  test('have every flag that --help shows, and each example', async () => {
    const tables = await optionTables()
    for (const entry of commands) {
      const { name } = entry
      const page = plain(`nsq-ts-${name.replaceAll(' ', '-')}.1`)
      for (const [flag, { hidden }] of Object.entries(tables.get(name) ?? {})) {
        if (hidden !== true) assert.match(page, new RegExp(`^(-\\w, )?${spelled(flag)}( |$)`, 'm'), name)
      }
      const lines = page.split('\n')
      const { examples } = await entry.load()
      for (const { command } of examples) {
        assert.ok(lines.includes(command.replaceAll('…', '...')), `${name}: ${command}`)
      }
    }
  })

  test('an official name has its own examples', () => {
    assert.match(plain('nsq_tail.1'), /^nsq_tail --topic/m)
    assert.match(plain('nsq_to_file.1'), /^nsq_to_file logs/m)
  })

  test('refer to pages that exist', () => {
    for (const file of files) {
      for (const [, name = ''] of plain(file).matchAll(/^\.BR (\S+) \(1\)/gm)) {
        assert.ok(files.includes(`${name}.1`), `${file} refers to ${name}`)
      }
    }
  })

  test('please mandoc', { skip: missing('mandoc') }, () => {
    const { status, stdout, stderr } = spawnSync('mandoc', ['-T', 'lint', '-W', 'warning', ...paths], {
      encoding: 'utf8',
    })
    assert.equal(`${stdout}${stderr}`, '')
    assert.equal(status, 0)
  })

  test('please groff', { skip: missing('groff') }, () => {
    const { status, stderr } = spawnSync('groff', ['-man', '-k', '-ww', '-z', '-T', 'utf8', ...paths], {
      encoding: 'utf8',
    })
    assert.equal(stderr, '')
    assert.equal(status, 0)
  })
})

describe('--help', () => {
  test('has examples of every command', async () => {
    for (const entry of commands) {
      const { name } = entry
      const { examples } = await entry.load()
      assert.ok(examples.length > 0, name)
      for (const { command, describe } of examples) assert.ok(command !== '' && describe !== '', name)
    }
  })
})
