/** The types in dist, as a program sees them that has installed the package and little else. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { blocks, pages, ROOT } from '../docs/markdown.ts'

const TSC = fileURLToPath(new URL('node_modules/typescript/bin/tsc', ROOT))
const OPTIONS = {
  strict: true,
  module: 'nodenext',
  target: 'es2022',
  types: ['node'],
  skipLibCheck: false,
  // Those that come with the compiler.
  skipDefaultLibCheck: true,
  experimentalDecorators: true,
  noEmit: true,
}

let folder = ''

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nsq-ts-types-'))
  const modules = join(folder, 'node_modules')
  // Copied, so that what the declarations import is looked for here, and not among what we have for development.
  await cp(new URL('dist', ROOT), join(modules, 'nsq-ts', 'dist'), {
    recursive: true,
    filter: path => !path.endsWith('.js'),
  })
  await cp(new URL('package.json', ROOT), join(modules, 'nsq-ts', 'package.json'))
  await link('@types/node', 'zod')
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }))
})

after(() => rm(folder, { recursive: true }))

test('a program compiles against them, and what is wrong in it does not', async () => {
  const text = await readFile(new URL('test/types/program.ts', ROOT), 'utf8')
  assert.equal(await compile({ 'program.ts': text.replaceAll('../../src/index.ts', 'nsq-ts') }), '')
})

test('the examples of the documents compile', async () => {
  await link('@opentelemetry/api', '@opentelemetry/sdk-trace-base')
  await link('@nestjs/common', '@nestjs/core', '@nestjs/microservices', 'reflect-metadata', 'rxjs')
  const files = pages().flatMap(page =>
    blocks(page)
      .filter(({ language }) => language === 'ts')
      .map(({ text }, index) => [`${page.path.replaceAll(/\W/g, '-')}-${index}.mts`, text] as const),
  )
  assert.ok(files.length > 2)
  assert.equal(await compile(Object.fromEntries(files)), '')
})

/** Has packages installed. */
async function link(...names: readonly string[]): Promise<void> {
  for (const name of names) {
    const path = join(folder, 'node_modules', name)
    await mkdir(dirname(path), { recursive: true })
    await symlink(new URL(`node_modules/${name}`, ROOT), path)
  }
}

/** Returns what the compiler has to say. */
async function compile(files: Readonly<Record<string, string>>): Promise<string> {
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const config = join(folder, 'tsconfig.json')
  await writeFile(config, JSON.stringify({ compilerOptions: OPTIONS, files: Object.keys(files) }))
  const child = spawn(process.execPath, [TSC, '--project', config, '--pretty', 'false'], { stdio: 'pipe' })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
  }
  await once(child, 'close')
  return output
}
