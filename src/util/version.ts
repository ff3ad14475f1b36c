import { readFileSync } from 'node:fs'

// package.json lies two folders up from here both in src/util and in dist/util.
const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))

/** The version of this package, as in package.json: what the daemons report and the clients announce. */
export const version: string =
  typeof manifest === 'object' && manifest !== null && 'version' in manifest
    ? String(manifest.version)
    : '0.0.0'
