import assert from 'node:assert/strict'
import { cpSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ArchiveFiles } from '../../src/archive/archive-files.ts'
import { loadCompression } from '../../src/archive/compression.ts'
import type { SealedPart } from '../../src/archive/destination.ts'
import { InPlace } from '../../src/archive/folder-destination.ts'
import { openManifest } from '../../src/archive/manifest.ts'
import type { FramingName } from '../../src/archive/record-format.ts'
import { type PartFinding, verifyArchive } from '../../src/archive/verify.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { NEVER, partOf } from './s3/fixtures.ts'

/** What verifying has said. */
export class Findings {
  readonly parts: PartFinding[] = []
  readonly bad: string[] = []
  readonly torn: string[] = []
  readonly others: string[] = []
  bytes = 0

  found(): void {}
  part(finding: PartFinding): void {
    this.parts.push(finding)
  }
  read(bytes: number): void {
    this.bytes += bytes
  }
  badManifest(manifest: string, text: string): void {
    this.bad.push(`${manifest}: ${text}`)
  }
  tornManifest(manifest: string): void {
    this.torn.push(manifest)
  }
  unlisted(name: string): void {
    this.others.push(name)
  }

  /** The problems of a file by name; none when all is well. */
  of(file: string): string[] {
    const found = this.parts.filter(part => part.file === file)
    assert.equal(found.length, 1, `${file} was found ${found.length} times`)
    return found.flatMap(({ problems }) => problems.map(({ name }) => name))
  }

  get wrong(): string[] {
    return this.parts
      .filter(({ problems }) => problems.length > 0)
      .map(({ file }) => file)
      .sort()
  }
}

export async function verify(files: ArchiveFiles): Promise<Findings> {
  const findings = new Findings()
  await verifyArchive(files, findings, NEVER)
  return findings
}

export const FRAMINGS: readonly FramingName[] = ['lines', 'escaped', 'jsonl', 'length']
export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const

export function framed(framing: FramingName, count: number): Buffer {
  return Buffer.concat(
    Array.from({ length: count }, (_, i) => {
      const body = Buffer.from(`{"body":"message ${i}"}`)
      if (framing !== 'length') return Buffer.concat([body, Buffer.from('\n')])
      const length = Buffer.alloc(4)
      length.writeUInt32BE(body.length)
      return Buffer.concat([length, body])
    }),
  )
}

export interface Written {
  folder: string
  /** The only manifest. */
  manifest: string
  names: string[]
}

/** An archive with a part of each kind, in folders, and its manifest. */
export async function archive(): Promise<Written> {
  const folder = temporaryFolder()
  const parts: SealedPart[] = []
  for (const framing of FRAMINGS) {
    for (const compression of COMPRESSIONS) {
      const bytes = await compressed(compression, framed(framing, 1000))
      const name = `dt=2026-01-02/${framing}.${compression}`
      parts.push({ ...partOf(name, bytes), framing, compression, records: 1000 })
    }
  }
  const manifest = await write(folder, parts)
  return { folder, manifest, names: parts.map(({ name }) => name) }
}

export async function compressed(name: (typeof COMPRESSIONS)[number], bytes: Buffer): Promise<Buffer> {
  const compression = await loadCompression(name)
  return Buffer.concat([
    ...(await compression.compress([bytes.subarray(0, 500)])),
    ...(await compression.compress([bytes.subarray(500)])),
  ])
}

/** Puts parts where they belong, and lists them. Returns the name of the manifest. */
export async function write(folder: string, parts: readonly SealedPart[]): Promise<string> {
  const before = new Set(manifestsIn(folder))
  const manifest = openManifest(new InPlace(folder), 'logs.host')
  for (const part of parts) {
    const location = join(folder, part.name)
    mkdirSync(dirname(location), { recursive: true })
    cpSync(part.path, location)
    await manifest.add(part, { name: part.name, location })
  }
  await manifest.close()
  return manifestsIn(folder).find(name => !before.has(name)) ?? assert.fail('no manifest')
}

export function manifestsIn(folder: string): string[] {
  return readdirSync(folder).filter(name => name.endsWith('.manifest.jsonl'))
}

export function edit(path: string, change: (bytes: Buffer) => Buffer): void {
  writeFileSync(path, change(readFileSync(path)))
}

export function flip(at: number): (bytes: Buffer) => Buffer {
  return bytes => {
    const index = at < 0 ? bytes.length + at : at
    bytes[index] = (bytes[index] ?? 0) ^ 0xff
    return bytes
  }
}
