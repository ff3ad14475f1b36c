/*
 * Checks every package of package-lock.json, those that dependencies bring too: pinned to one version and its checksum, from
 * the registry, licensed as scripts/dependencies/policy.ts allows, and without programs that run at a user's install; that
 * docs/dependencies.md names what an install brings; and that nothing is known against any of them.
 *
 *     npm run check:dependencies
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readAudit } from './dependencies/audit.ts'
import { listing } from './dependencies/listing.ts'
import { broughtAtRunTime, complaints, type Lockfile, type Manifest } from './dependencies/lockfile.ts'

const ROOT = new URL('../', import.meta.url)

const lock: Lockfile = JSON.parse(read('package-lock.json'))
const manifest: Manifest = JSON.parse(read('package.json'))
const found = [
  ...complaints(lock, manifest),
  ...listing(read('docs/dependencies.md'), broughtAtRunTime(lock)),
  ...unsatisfied(),
  ...known(),
]
process.stderr.write(found.map(line => `${line}\n`).join(''))
if (found.length > 0) process.exitCode = 1
else say(`${Object.keys(lock.packages ?? {}).length - 1} packages are pinned and licensed`)

function read(name: string): string {
  return readFileSync(new URL(name, ROOT), 'utf8')
}

/** What somebody depends on and the lockfile does not have, or not in a version that will do. */
function unsatisfied(): string[] {
  const { status, stderr } = npm('ls', '--all', '--package-lock-only')
  if (status === 0) return []
  const lines = stderr.split('\n').filter(line => /^npm error (missing|invalid|extraneous)/.test(line))
  return lines.length > 0 ? lines : [`npm ls: ${stderr}`]
}

function known(): readonly string[] {
  // Asked once and not for long: whoever has no network is not to wait for what cannot come.
  const { stdout } = npm('audit', '--json', '--offline=false', '--fetch-retries=0', '--fetch-timeout=20000')
  const result = readAudit(stdout)
  if (result.isAnswered) return result.findings
  say(`npm audit: nobody knows, as the registry does not answer it: ${result.why}`)
  return []
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

function npm(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  // 200 packages' worth of report is more than spawnSync keeps by default.
  return spawnSync('npm', args, { cwd: ROOT, encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 })
}
