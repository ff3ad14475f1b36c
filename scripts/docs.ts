/**
 * Writes what is made from the definitions of the commands: docs/commands.md, man/, and the list of man pages in
 * package.json.
 *
 *     npm run docs
 */
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { commandsPage } from './commands-page.ts'
import { manPages } from './man/pages.ts'

const root = new URL('../', import.meta.url)
await writeFile(new URL('docs/commands.md', root), await commandsPage())

const man = new URL('man/', root)
const pages = await manPages()
await mkdir(man, { recursive: true })
for (const name of await readdir(man)) if (!pages.has(name)) await rm(new URL(name, man))
for (const [name, text] of pages) await writeFile(new URL(name, man), text)

const manifest = new URL('package.json', root)
const list = JSON.stringify(
  [...pages.keys()].sort().map(name => `man/${name}`),
  null,
  2,
).replaceAll('\n', '\n  ')
const text = await readFile(manifest, 'utf8')
await writeFile(manifest, text.replace(/"man": \[[^\]]*\]/, `"man": ${list}`))
