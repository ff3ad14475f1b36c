import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { commandsPage } from '../../scripts/commands-page.ts'
import { commands } from '../../src/cli/commands.ts'
import { groupWord } from '../../src/cli/find-command.ts'
import { envName } from '../../src/util/option-values.ts'
import { callsIn } from './command-lines.ts'
import { anchors, blocks, page, pages, ROOT, withoutBlocks } from './markdown.ts'
import { checkCall, optionTables, programs } from './options.ts'

const REMAKE = 'make it again with: npm run docs'

/** Flags of other programs that the documents name. */
const BENCH = readFileSync(new URL('bench/main.ts', ROOT), 'utf8')
const FUZZ = readFileSync(new URL('test/fuzz/main.ts', ROOT), 'utf8')
/** Node's, and those that the help of the benchmark and the usage of the fuzzer name. */
const FOREIGN_FLAGS = new Set([
  '--import',
  '--test',
  ...(BENCH.match(/(?<=^  )--[a-z]+/gm) ?? []),
  ...(/npm run fuzz -- .*/.exec(FUZZ)?.[0].match(/--[a-z]+/g) ?? []),
])
/** Those that are no flag's. */
const OTHER_VARIABLES = ['NSQ_COMPLETION_TIMEOUT', 'NSQ_CONFIG_DIR']

describe('documents', () => {
  test('docs/commands.md is what the definitions make', async () => {
    assert.equal(page('docs/commands.md').text, await commandsPage(), REMAKE)
  })

  test('examples use commands and flags that exist, with values that are taken', async () => {
    for (const each of pages()) {
      for (const { text } of blocks(each).filter(({ language }) => language === 'sh')) {
        for (const words of callsIn(text, programs)) {
          await assert.doesNotReject(checkCall(words), `${each.path}: ${words.join(' ')}`)
        }
      }
    }
  })

  test('flags and environment variables named in the text exist', async () => {
    const options = [...(await optionTables()).values()].flatMap(Object.entries)
    const switches = options.filter(([, { kind }]) => kind === 'bool')
    const variables = new Set([...options.map(([flag]) => envName(flag)), ...OTHER_VARIABLES])
    const flags = new Set([...options.map(([flag]) => flag), ...switches.map(([flag]) => `no-${flag}`)])
    for (const each of pages()) {
      for (const [, code = ''] of withoutBlocks(each).matchAll(/`([^`\n]+)`/g)) {
        for (const [flag] of code.matchAll(/(?<![\w-])--[a-z][a-z0-9-]*/g)) {
          const isKnown = flags.has(flag.slice(2)) || FOREIGN_FLAGS.has(flag) || flag.endsWith('-')
          assert.ok(isKnown, `${each.path} names ${flag}`)
        }
        for (const [variable] of code.matchAll(/\bNSQ_[A-Z_]+/g)) {
          assert.ok(variable === 'NSQ_' || variables.has(variable), `${each.path} names ${variable}`)
        }
      }
    }
  })

  test('links lead somewhere', () => {
    for (const each of pages()) {
      for (const [, target = ''] of withoutBlocks(each).matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue
        const url = new URL(target, new URL(each.path, ROOT))
        assert.ok(existsSync(new URL(url.pathname, ROOT)), `${each.path} links to ${target}`)
        if (url.hash === '' || !url.pathname.endsWith('.md')) continue
        const path = url.pathname.slice(ROOT.pathname.length)
        assert.ok(anchors(page(path)).has(url.hash.slice(1)), `${each.path} links to ${target}`)
      }
    }
  })

  test('the README lists every command with its bin', () => {
    const rows = page('README.md').text.matchAll(/^\| `nsq-ts ([\w ]+)` +\| (?:`(\w+)`)? +\|/gm)
    // `topic list` and the like are one line: `topic`.
    const shown = commands.map(entry => ({ ...entry, name: groupWord(entry, commands)[0] ?? entry.name }))
    const inGroups = shown.filter(({ name }, index) => name !== shown[index - 1]?.name)
    assert.deepEqual(
      Array.from(rows, ([, name, bin]) => [name, bin]),
      inGroups.map(({ name, bin }) => [name, bin]),
    )
  })

  test('docs/dependencies.md names every dependency, and no other', () => {
    const { dependencies, devDependencies } = readPackage()
    const { text } = page('docs/dependencies.md')
    const [, atRunTime = '', forDevelopment = ''] = text.split(/^## .*$/m)
    assert.deepEqual(firstColumn(atRunTime), dependencies)
    assert.deepEqual(firstColumn(forDevelopment), devDependencies)
  })
})

function firstColumn(text: string): string[] {
  return Array.from(text.matchAll(/^\| `([^`]+)`/gm), ([, name = '']) => name).sort()
}

interface Dependencies {
  dependencies: string[]
  devDependencies: string[]
}

function readPackage(): Dependencies {
  const parsed: unknown = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8'))
  assert.ok(typeof parsed === 'object' && parsed !== null)
  return { dependencies: names(parsed, 'dependencies'), devDependencies: names(parsed, 'devDependencies') }
}

function names(parsed: object, key: keyof Dependencies): string[] {
  const section: unknown = Reflect.get(parsed, key)
  assert.ok(typeof section === 'object' && section !== null)
  return Object.keys(section).sort()
}
