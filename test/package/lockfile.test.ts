import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const FIELDS = ['version', 'bin', 'dependencies', 'devDependencies', 'peerDependencies', 'engines'] as const

test('package-lock.json is that of package.json, so that an install changes nothing', () => {
  const { packages } = read('package-lock.json')
  assert.ok(typeof packages === 'object' && packages !== null)
  const locked: Record<string, unknown> = Object(new Map(Object.entries(packages)).get(''))
  const declared = read('package.json')
  for (const field of FIELDS) assert.deepEqual(locked[field], declared[field], field)
})

function read(name: string): Record<string, unknown> {
  return Object(JSON.parse(readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')))
}
