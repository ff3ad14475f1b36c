/** Without the package, in a process of its own. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MODULE = fileURLToPath(new URL('../../src/archive/zstd-library.ts', import.meta.url))

/** Has nothing of that name, wherever it is looked for. */
const HIDDEN = `
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`
    export async function resolve(name, context, next) {
      if (!name.startsWith('@foxglove/')) return next(name, context)
      throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' })
    }
  \`))`

const LOAD = `
  const { packageLibrary } = await import(${JSON.stringify(MODULE)})
  const error = await packageLibrary().catch(error => error)
  console.log(error.code + ': ' + error.message + '\\n' + error.remedy)`

test('without the package, says how to get it', async () => {
  const hidden = `--import=data:text/javascript,${encodeURIComponent(HIDDEN)}`
  const args = ['--import=tsx', hidden, '--input-type=module', '--eval', LOAD]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  assert.match(stdout, /^E_ZSTD: zstd: Node v[\d.]+ has none, and @foxglove\/wasm-zstd cannot be loaded\n/)
  assert.match(stdout, /\nRun "npm install @foxglove\/wasm-zstd"/)
})
