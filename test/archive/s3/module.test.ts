/** Without the SDK, and without warnings of it: in processes of their own. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const MODULE = fileURLToPath(new URL('../../../src/archive/s3/s3-destination.ts', import.meta.url))

/** Has nothing of that name, wherever it is looked for. */
const HIDDEN = `
  import { register } from 'node:module'
  register('data:text/javascript,' + encodeURIComponent(\`
    export async function resolve(name, context, next) {
      if (!name.startsWith('@aws-sdk/')) return next(name, context)
      throw Object.assign(new Error('Cannot find package ' + name), { code: 'ERR_MODULE_NOT_FOUND' })
    }
  \`))`

const OPEN = `
  const { S3Destination } = await import(${JSON.stringify(MODULE)})
  const options = { url: 's3://bucket', endpoint: 'http://127.0.0.1:1', maxAttempts: 1 }
  const error = await S3Destination.open(options).catch(error => error)
  console.log(JSON.stringify({ code: error.code, message: error.message, remedy: error.remedy }))`

async function open(imports: readonly string[]): Promise<{ error: Record<string, string>; stderr: string }> {
  const flags = ['tsx', ...imports].map(name => `--import=${name}`)
  const env = {
    ...process.env,
    AWS_ACCESS_KEY_ID: 'a',
    AWS_SECRET_ACCESS_KEY: 'b',
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: undefined,
  }
  const args = [...flags, '--input-type=module', '--eval', OPEN]
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { env })
  return { error: { ...JSON.parse(stdout) }, stderr }
}

test('without the SDK, says how to get it', async () => {
  const { error } = await open([`data:text/javascript,${encodeURIComponent(HIDDEN)}`])
  assert.equal(error['code'], 'E_S3_MODULE')
  assert.equal(error['message'], 'S3 needs the package @aws-sdk/client-s3, which cannot be loaded')
  assert.match(error['remedy'] ?? '', /npm install @aws-sdk\/client-s3 /)
  assert.match(error['remedy'] ?? '', /npx -p nsq-ts -p @aws-sdk\/client-s3 nsq-ts archive …/)
})

test('with it, is quiet, as cron wants it', async () => {
  const { error, stderr } = await open([])
  assert.equal(error['code'], 'E_S3')
  assert.equal(stderr, '')
})
