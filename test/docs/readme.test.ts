/** Runs the README's examples, against an NSQ on ports of its own. */
import assert from 'node:assert/strict'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { checkable, DocShell, type Running } from './doc-shell.ts'
import { blocks, page, ROOT } from './markdown.ts'

const examples = blocks(page('README.md'))

describe('README', () => {
  let shell: DocShell
  before(async () => (shell = await DocShell.start()))
  after(() => shell.close())

  const scripts = checkable(examples)
  test('has examples to run', () => assert.ok(scripts.length > 4))
  for (const { text } of scripts) test(text, () => shell.check(text))

  test('the library, as the README shows it', async () => {
    const [publishing, handling] = examples.filter(({ language }) => language === 'ts')
    assert.ok(publishing !== undefined && handling !== undefined)

    const { code, out, err } = await (await startProgram('publishing.mts', publishing.text)).finished
    assert.equal(code, 0, err)
    assert.equal(out, 'book, attempt 1\nlamp, attempt 1\nchair, attempt 1\n')

    const handler = await startProgram('handling.mts', handling.text)
    await fetch(`http://${shell.nsqdHttp}/channel/create?topic=orders&channel=stock`, { method: 'POST' })
    await fetch(`http://${shell.nsqdHttp}/pub?topic=orders`, { method: 'POST', body: 'desk' })
    await handler.prints('reserving desk\n')
    handler.child.kill('SIGTERM')
    assert.equal((await handler.finished).code, 0)
  })

  /** Runs a program of the README on the sources. */
  async function startProgram(name: string, text: string): Promise<Running> {
    const file = join(shell.folder, name)
    const library = new URL('src/index.ts', ROOT).href
    await writeFile(file, shell.here(text).replaceAll("'nsq-ts'", JSON.stringify(library)))
    return shell.start(process.execPath, ['--import', import.meta.resolve('tsx'), file])
  }
})
