import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { readAudit } from '../../scripts/dependencies/audit.ts'
import { listing } from '../../scripts/dependencies/listing.ts'
import {
  broughtAtRunTime,
  complaints,
  type LockedPackage,
  type Lockfile,
  type Manifest,
} from '../../scripts/dependencies/lockfile.ts'
import type { Policy } from '../../scripts/dependencies/policy.ts'

const NOTHING: Policy = { licences: ['MIT'], licencesForDevelopment: {}, undeclared: {}, installScripts: {} }
const MANIFEST = { version: '1.0.0', dependencies: { good: '^2.0.0' }, devDependencies: { tool: '~1.2.3' } }
const GOOD: LockedPackage = { version: '2.0.1', integrity: `sha512-${'a'.repeat(86)}==`, license: 'MIT' }

/** A lockfile with one more package, which differs from a good one. */
function lockWith(different: Partial<LockedPackage>): Lockfile {
  return {
    lockfileVersion: 3,
    packages: {
      '': MANIFEST,
      'node_modules/good': GOOD,
      'node_modules/good/node_modules/@a/other': { ...GOOD, ...different },
    },
  }
}

describe('complaints', () => {
  test('has none about the lockfile of this project', () => {
    const lock: Lockfile = JSON.parse(read('package-lock.json'))
    const manifest: Manifest = JSON.parse(read('package.json'))
    assert.deepEqual(complaints(lock, manifest), [])
    assert.deepEqual(listing(read('docs/dependencies.md'), broughtAtRunTime(lock)), [])
  })

  test('has none about a good one', () => {
    const aliased = { dependencies: { a: '^1.0.0', b: 'npm:other@^2', c: '>=1 <3 || *' } }
    const fetched = {
      resolved: 'https://registry.npmjs.org/other/-/other-2.0.1.tgz',
      license: '(GPL-2.0 OR MIT)',
    }
    assert.deepEqual(complaints(lockWith({ ...aliased, ...fetched }), MANIFEST, NOTHING), [])
  })

  const bad: [Partial<LockedPackage>, RegExp][] = [
    [{ version: '^2.0.0' }, /has no exact version/],
    [{ integrity: '' }, /has no sha512/],
    [{ integrity: 'sha1-W9mIZ2JSXmFfm2zTuPy8vbF6yMo=' }, /has no sha512/],
    [{ integrity: 'sha512-short==' }, /has no sha512/],
    [{ resolved: 'git+ssh://git@github.com/a/b.git#1234' }, /comes from git\+ssh/],
    [{ resolved: 'http://registry.npmjs.org/b/-/b-2.0.1.tgz' }, /comes from http:/],
    [{ resolved: 'https://registry.npmjs.org.example.com/b.tgz' }, /comes from https:/],
    [{ resolved: 'file:../b' }, /comes from file:/],
    [{ link: true, license: 'MIT' }, /is a folder of this machine/],
    [{ dependencies: { b: 'github:a/b' } }, /wants b from github:a\/b/],
    [{ optionalDependencies: { b: 'a/b' } }, /wants b from a\/b/],
    [{ dependencies: { b: 'https://example.com/b.tgz' } }, /wants b from https:/],
    [{ license: undefined }, /declares no licence/],
    [{ license: { type: 'MIT' } }, /declares no licence/],
    [{ license: 'GPL-3.0' }, /has the licence GPL-3.0, which is not allowed at run time/],
    [{ license: 'UNLICENSED', dev: true }, /has the licence UNLICENSED, which is not allowed here/],
    [{ license: '(MIT AND GPL-3.0)' }, /has the licence \(MIT AND GPL-3.0\)/],
    [{ hasInstallScript: true }, /runs a program when it is installed, at users, too/],
    [{ hasInstallScript: true, dev: true }, /runs a program when it is installed/],
  ]
  for (const [different, expected] of bad) {
    test(`names a package with ${JSON.stringify(different)}`, () => {
      // A JSON file has no key without a value.
      const lock: Lockfile = JSON.parse(JSON.stringify(lockWith(different)))
      const found = complaints(lock, MANIFEST, NOTHING)
      assert.equal(found.length, 1, found.join('\n'))
      assert.match(found[0] ?? '', expected)
      assert.match(found[0] ?? '', /^@a\/other@.*node_modules\/good\/node_modules\/@a\/other\)$/)
    })
  }

  test('takes what the policy excepts, for development alone, and says which exception is not needed', () => {
    const policy: Policy = {
      licences: [],
      licencesForDevelopment: { MIT: 'tests', 'MPL-2.0': 'tests' },
      undeclared: { '@a/other@2.0.1': { licence: 'MIT', where: 'its README' } },
      installScripts: { '@a/other': 'builds', gone: 'built' },
    }
    const lock = lockWith({ dev: true, hasInstallScript: true })
    const { license: _, ...undeclared } = lock.packages?.['node_modules/good/node_modules/@a/other'] ?? {}
    const changed = { ...lock.packages, 'node_modules/good/node_modules/@a/other': undeclared }
    assert.deepEqual(complaints({ ...lock, packages: changed }, MANIFEST, policy), [
      'good@2.0.1 has the licence MIT, which is not allowed at run time (node_modules/good)',
      'scripts/dependencies/policy.ts: the exception for MPL-2.0 is not needed any more',
      'scripts/dependencies/policy.ts: the exception for gone is not needed any more',
    ])
  })

  test('names what the lockfile has otherwise than package.json, and what package.json takes from elsewhere', () => {
    const manifest = {
      ...MANIFEST,
      version: '1.0.1',
      dependencies: { good: 'latest', b: 'file:../b', c: '*' },
    }
    assert.deepEqual(complaints(lockWith({}), manifest, NOTHING), [
      'package-lock.json: its "version" is not that of package.json; npm install mends it',
      'package-lock.json: its "dependencies" is not that of package.json; npm install mends it',
      'package.json: good is "latest", which is no version of the registry',
      'package.json: b is "file:../b", which is no version of the registry',
      'package.json: c is "*", which is no version of the registry',
    ])
  })

  test('wants a lockfile that it can read', () => {
    assert.match(complaints({ lockfileVersion: 1 }, MANIFEST, NOTHING).join(), /not of version 3/)
    assert.match(complaints({}, MANIFEST, NOTHING).join(), /not of version 3/)
  })
})

test('listing names what is not in the document, and what need not be there', () => {
  const lock = lockWith({})
  assert.deepEqual(broughtAtRunTime(lock), ['@a/other'])
  const page = '# D\n\n## What comes with them\n\n`a`, `b` and `@c/d-*`.\n\n### Next\n\n`e`\n'
  assert.deepEqual(listing(page, ['a', '@c/d-linux', '@c/d-darwin', 'e']), [
    'docs/dependencies.md, What comes with them: e comes with an install, and is not there',
    'docs/dependencies.md, What comes with them: b does not come with an install',
  ])
})

describe('readAudit', () => {
  const advisory = {
    name: 'left',
    title: 'Reads what it should not',
    severity: 'high',
    range: '<1.2.3',
    url: 'https://github.com/advisories/GHSA-1',
  }

  test('names each finding once, not whoever depends on it', () => {
    const vulnerabilities = { left: { via: [advisory, advisory] }, right: { via: ['left'] } }
    assert.deepEqual(readAudit(JSON.stringify({ auditReportVersion: 2, vulnerabilities })), {
      isAnswered: true,
      findings: ['left <1.2.3: Reads what it should not (high), https://github.com/advisories/GHSA-1'],
    })
  })

  test('finds nothing in an answer without any', () => {
    assert.deepEqual(readAudit('{"vulnerabilities":{}}'), { isAnswered: true, findings: [] })
  })

  test('says why a registry has not answered', () => {
    const why = '405 Method Not Allowed - POST https://registry.example/-/npm/v1/security/advisories/bulk'
    assert.deepEqual(readAudit(JSON.stringify({ message: why, statusCode: 405, error: { summary: '' } })), {
      isAnswered: false,
      why,
    })
  })

  test('does not take an npm that cannot ask for a clean answer', () => {
    const noLock = { error: { code: 'ENOLOCK', summary: 'This command requires an existing lockfile.' } }
    assert.throws(() => readAudit(JSON.stringify(noLock)), /npm audit: This command requires/)
    assert.throws(() => readAudit('{}'), /npm audit: \{\}/)
  })
})

function read(name: string): string {
  return readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
}
