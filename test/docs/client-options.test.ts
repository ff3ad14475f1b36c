/** The tables of docs/client.md have every option of the client, and say of it what the sources say. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { page, ROOT } from './markdown.ts'

const tables: [heading: string, file: string, interfaces: string[]][] = [
  ['Of every connection', 'options', ['ConnectionOptions']],
  ['Of `tls`', 'tls-options', ['TlsOptions']],
  ['Of a producer', 'producer/producer-options', ['ProducerOptions']],
  [
    'Of a consumer',
    'consumer/consumer-options',
    ['ConsumerSettings', 'CodecConsumerOptions', 'SchemaConsumerOptions'],
  ],
  ['Of `dedupe`', 'consumer/consumer-options', ['DedupeOptions']],
]

describe('docs/client.md', () => {
  for (const [heading, file, interfaces] of tables) {
    const rows = tableUnder(heading)
    const source = readFileSync(new URL(`src/client/${file}.ts`, ROOT), 'utf8')
    const options = new Map(interfaces.flatMap(name => propertiesOf(name, source)))

    test(`${heading}: every option`, () => {
      assert.deepEqual(
        rows.map(([name]) => name),
        [...new Set(rows.map(([name]) => name))],
      )
      assert.deepEqual(rows.map(([name]) => name).sort(), [...options.keys()].sort())
    })

    test(`${heading}: defaults and ranges`, () => {
      for (const [name, ...cells] of rows) {
        const described = options.get(name) ?? ''
        // The last cell is prose.
        for (const [number] of cells
          .slice(0, -1)
          .join(' ')
          .matchAll(/\d[\d,.]*/g)) {
          assert.ok(described.includes(number), `${name}: ${number} is not in "${described}"`)
        }
      }
    })
  }
})

/** The cells of each row; the first is the option's name. */
function tableUnder(heading: string): [name: string, ...cells: string[]][] {
  const { text } = page('docs/client.md')
  const section = text.split(`### ${heading}\n`)[1]?.split(/^#/m)[0] ?? ''
  return Array.from(section.matchAll(/^\| `(\w+)` +\|(.*)\|$/gm), ([, name = '', cells = '']) => [
    name,
    ...cells.split('|').map(cell => cell.trim()),
  ])
}

/** The names of an interface's properties, each with its docstring. */
function propertiesOf(name: string, source: string): [name: string, doc: string][] {
  const [, body = ''] =
    new RegExp(`^export interface ${name}\\b[^{]*\\{\n([^]*?)^\\}`, 'm').exec(source) ?? []
  const properties = body.matchAll(/(?:^ {2}\/\*\*((?:(?!\*\/)[^])*)\*\/\n)?^ {2}(\w+)\??:/gm)
  const found = Array.from(properties, ([, doc = '', property = '']): [string, string] => [property, doc])
  assert.ok(found.length > 0, `${name} has no properties`)
  return found
}
