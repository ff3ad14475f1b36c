/**
 * What is installed is what is tested: `dist` has the code of `src`, without its types. The tests run `src`, and a compiler may
 * have faults: TypeScript 7.0.2, at any target below esnext, gives a property another name that is named as its class.
 */
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { transformSync } from 'esbuild'

const ROOT = new URL('../../', import.meta.url)
/** For browsers, and bundled: scripts/build-page.ts. */
const PAGE = 'nsqadmin/ui/'
const RELATIVE_IMPORT = /((?:from|import|import\()"\.{1,2}\/[^"\n]*)\.ts"/g

/** What the compiler does to an import of what is only known at run time; to a URL it does nothing. */
const REWRITE = /^var __rewriteRelativeImportExtension=.*?return path\};/
const REWRITTEN = /import\(__rewriteRelativeImportExtension\((\w+\(\w+\)\.href)\)\)/g

/** The code alone, written in one way. */
function bare(path: string, loader: 'ts' | 'js'): string {
  const source = readFileSync(new URL(path, ROOT), 'utf8')
  const compilerOptions = { target: 'esnext', verbatimModuleSyntax: true }
  const { code } = transformSync(source, {
    loader,
    minifyWhitespace: true,
    legalComments: 'none',
    tsconfigRaw: { compilerOptions },
  })
  // Said of a module that has only types.
  return code
    .replace(REWRITE, '')
    .replaceAll(REWRITTEN, 'import($1)')
    .replaceAll(RELATIVE_IMPORT, '$1.js"')
    .replace(/^export\{\};\n$/, '')
}

test('dist is src without its types', () => {
  const sources = readdirSync(new URL('src', ROOT), { recursive: true, encoding: 'utf8' })
  const modules = sources.filter(name => name.endsWith('.ts') && !name.startsWith(PAGE))
  assert.ok(modules.length > 100)
  const differ = modules.filter(
    name => bare(`dist/${name.replace(/\.ts$/, '.js')}`, 'js') !== bare(`src/${name}`, 'ts'),
  )
  assert.deepEqual(differ, [], 'if dist is of before: npm run build')
})
