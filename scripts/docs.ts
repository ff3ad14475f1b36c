/**
 * Writes what is made from the definitions of the commands: docs/commands.md and man/nsq-ts.1.
 *
 *     node --import tsx scripts/docs.ts
 */
import { mkdir, writeFile } from 'node:fs/promises'
import { commandsPage } from './commands-page.ts'
import { manPage } from './man-page.ts'

const root = new URL('../', import.meta.url)
await mkdir(new URL('man/', root), { recursive: true })
await writeFile(new URL('docs/commands.md', root), await commandsPage())
await writeFile(new URL('man/nsq-ts.1', root), await manPage())
