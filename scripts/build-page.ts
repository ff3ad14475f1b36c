/**
 * Builds the page of nsqadmin (src/nsqadmin/ui) into dist/nsqadmin/page: index.html, and what it loads under names that
 * have a hash of the content, so that browsers may keep them for ever. Nothing in it comes from elsewhere.
 */
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const ROOT = new URL('../', import.meta.url)
const SOURCE = new URL('src/nsqadmin/ui/', ROOT)
const TARGET = new URL('dist/nsqadmin/page/', ROOT)
/** What is built into the page; their licences go with it. */
const LIBRARIES = ['preact', 'uplot']

function licences(): string {
  const texts = LIBRARIES.map(name => {
    const text = readFileSync(new URL(`node_modules/${name}/LICENSE`, ROOT), 'utf8')
    return `${name}\n\n${text.trim()}`
  })
  return `/*! nsq-ts has the MIT licence. This file contains parts of other works:\n\n${texts.join('\n\n')}\n*/`
}

const { outputFiles } = await build({
  entryPoints: ['main.tsx', 'early.ts', 'style.css', 'icon.svg'].map(name =>
    fileURLToPath(new URL(name, SOURCE)),
  ),
  outdir: fileURLToPath(TARGET),
  entryNames: '[name]-[hash]',
  loader: { '.svg': 'copy' },
  bundle: true,
  minify: true,
  format: 'esm',
  target: ['chrome123', 'firefox124', 'safari17.5'],
  jsx: 'automatic',
  jsxImportSource: 'preact',
  legalComments: 'none',
  banner: {
    js: '/*! nsq-ts, MIT licence */',
    css: '/*! nsq-ts, MIT licence; uPlot, (c) Leon Sorokin, MIT licence */',
  },
  write: false,
})

let html = readFileSync(new URL('index.html', SOURCE), 'utf8')
mkdirSync(TARGET, { recursive: true })
const names = ['index.html']
let bytes = 0
for (const { path, contents } of outputFiles) {
  const name = basename(path)
  html = html.replaceAll(`{{${name.replace(/-[A-Z0-9]{8}\./, '.')}}}`, name)
  const whole = name.startsWith('main-') ? Buffer.concat([contents, Buffer.from(licences())]) : contents
  writeFileSync(new URL(name, TARGET), whole)
  names.push(name)
  bytes += gzipSync(whole).length
}
const missing = /\{\{.*?\}\}/.exec(html)
if (missing) throw new Error(`index.html names ${missing[0]}, which was not built`)
// A server that runs meanwhile finds a whole page: the old one or the new one.
writeFileSync(new URL('index.html.new', TARGET), html)
renameSync(new URL('index.html.new', TARGET), new URL('index.html', TARGET))
for (const name of readdirSync(TARGET)) {
  if (!names.includes(name)) rmSync(new URL(name, TARGET), { recursive: true })
}
// Not on stdout, which is data for those that build first, as `bench -- --json` does.
process.stderr.write(`nsqadmin's page: ${(bytes / 1024).toFixed(1)} KiB gzipped\n`)
