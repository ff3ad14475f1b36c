/** The colours of the page, read from its CSS: what is written can be read in both themes (WCAG 2.1, 1.4.3 and 1.4.11). */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const css = readFileSync(new URL('../../../src/nsqadmin/ui/style/theme.css', import.meta.url), 'utf8')
const colours = new Map(
  [...css.matchAll(/--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\)/g)].map(
    ([, name = '', light = '', dark = '']) => [name, { light, dark }],
  ),
)

const TEXTS = ['text', 'muted', 'accent', 'good', 'warn', 'bad']
const GROUNDS = ['page', 'surface', 'raised', 'hover', 'head']
const OTHERS: [text: string, ground: string][] = [
  ['on-accent', 'accent'],
  ['on-bad', 'bad'],
  ['accent', 'accent-ground'],
  ['good', 'good-ground'],
  ['warn', 'warn-ground'],
  ['bad', 'bad-ground'],
  ['text', 'bad-ground'],
]

/** WCAG's relative luminance. */
function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map(at => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

function contrast(front: string, ground: string, theme: 'light' | 'dark'): number {
  const [a, b] = [front, ground].map(name => {
    const colour = colours.get(name)
    assert.ok(colour, `--${name}`)
    return luminance(colour[theme])
  })
  assert.ok(a !== undefined && b !== undefined)
  return (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05)
}

for (const theme of ['light', 'dark'] as const) {
  test(`${theme}: text has a contrast of 4.5 to what it stands on`, () => {
    const pairs = [...TEXTS.flatMap(text => GROUNDS.map(ground => [text, ground] as const)), ...OTHERS]
    for (const [text, ground] of pairs) {
      const found = contrast(text, ground, theme)
      assert.ok(found >= 4.5, `--${text} on --${ground}: ${found.toFixed(2)}`)
    }
  })

  test(`${theme}: the edges of fields and the lines of charts have a contrast of 3`, () => {
    for (const line of ['edge', 'depth', 'in-flight', 'rate-in', 'rate-out']) {
      for (const ground of ['page', 'surface']) {
        const found = contrast(line, ground, theme)
        assert.ok(found >= 3, `--${line} on --${ground}: ${found.toFixed(2)}`)
      }
    }
  })
}
