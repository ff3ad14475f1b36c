/**
 * The lines of a manifest, one for each part:
 *
 *     {"file":"logs.host-20260102T150405Z-0a1b2c3d.log.gz","topic":"logs","channel":"nsq_to_file","framing":"lines",
 *      "compression":"gzip","messages":1000,"bytes":20480,"sha256":"…","from":"2026-01-02T15:04:05.123456789Z",
 *      "to":"2026-01-02T15:05:04.000000001Z","recovered":true}
 *
 * `file` is relative to the folder of the manifest. `from` and `to` are the earliest and the latest message, where they
 * are known; `recovered` says that the part was left by a run that died.
 */
import { isUtf8 } from 'node:buffer'
import { errorText } from '../util/errors.ts'
import { parseRfc3339 } from '../util/rfc3339.ts'
import type { Compression } from './compression.ts'
import type { SealedPart } from './destination.ts'
import { formatTimestamp } from './jsonl.ts'
import type { FramingName } from './record-format.ts'

/** What a manifest says of a part that can be checked. */
export interface ListedPart {
  readonly file: string
  readonly topic: string
  readonly framing: FramingName
  readonly compression: Compression['name']
  readonly messages: number
  readonly bytes: number
  readonly sha256: string
  /** When the earliest and the latest of its messages were published, in milliseconds since 1970; undefined if it does not say. */
  readonly from: number | undefined
  readonly to: number | undefined
}

/** The end of the names of manifests. */
export const MANIFEST_SUFFIX = '.manifest.jsonl'

/** With its newline. `name`: where the part has got to. */
export function manifestLine(part: SealedPart, name: string, sha256: string): string {
  const { topic, channel, framing, compression, records, bytes, from, to, recovered } = part
  const line = {
    file: name,
    topic,
    channel,
    framing,
    compression,
    messages: records,
    bytes,
    sha256,
    ...(from !== undefined && { from: formatTimestamp(from) }),
    ...(to !== undefined && { to: formatTimestamp(to) }),
    ...(recovered && { recovered }),
  }
  return `${JSON.stringify(line)}\n`
}

/** A file that is no manifest at all may have a million wrong lines. */
const MOST_PROBLEMS = 10

/** What is in a manifest, and what is wrong with it, by line; of many wrong lines the first, and how many more there are. */
export interface ManifestContent {
  readonly parts: readonly ListedPart[]
  readonly problems: readonly string[]
  /** The last line is not whole: the run died while it wrote it. */
  readonly isTorn: boolean
}

export function readManifest(bytes: Buffer): ManifestContent {
  const parts: ListedPart[] = []
  const problems: string[] = []
  let wrong = 0
  let from = 0
  for (let number = 1; ; number++) {
    const end = bytes.indexOf('\n', from)
    if (end === -1) break
    try {
      parts.push(parseLine(bytes.subarray(from, end)))
    } catch (error) {
      if (++wrong <= MOST_PROBLEMS) problems.push(`line ${number}: ${errorText(error)}`)
    }
    from = end + 1
  }
  const more = wrong - MOST_PROBLEMS
  if (more > 0) problems.push(more === 1 ? '1 line more is wrong' : `${more} lines more are wrong`)
  return { parts, problems, isTorn: from < bytes.length }
}

/** Throws a RangeError that says what is wrong. */
function parseLine(line: Buffer): ListedPart {
  if (!isUtf8(line)) throw new RangeError('not UTF-8')
  const record = parseObject(line.toString())
  const { file, topic, framing, compression, messages, bytes, sha256 } = record
  if (typeof file !== 'string' || !isBelow(file)) throw new RangeError('"file" is no name of a file below')
  if (typeof topic !== 'string') throw new RangeError('"topic" is no text')
  if (!isOneOf(FRAMINGS, framing)) throw new RangeError('"framing" is none of ours')
  if (!isOneOf(COMPRESSIONS, compression)) throw new RangeError('"compression" is none of ours')
  if (!isCount(messages)) throw new RangeError('"messages" is no count')
  if (!isCount(bytes)) throw new RangeError('"bytes" is no count')
  if (typeof sha256 !== 'string' || !/^[0-9a-f]{64}$/.test(sha256)) throw new RangeError('"sha256" is none')
  const [from, to] = [timeOf(record['from']), timeOf(record['to'])]
  return { file, topic, framing, compression, messages, bytes, sha256, from, to }
}

const FRAMINGS: readonly FramingName[] = ['lines', 'escaped', 'jsonl', 'length']
const COMPRESSIONS: readonly Compression['name'][] = ['none', 'gzip', 'zstd']

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    throw new RangeError(`not JSON (${errorText(error)})`, { cause: error })
  }
  if (typeof value !== 'object' || value === null) throw new RangeError('not a JSON object')
  return { ...value }
}

function timeOf(value: unknown): number | undefined {
  return typeof value === 'string' ? parseRfc3339(value) : undefined
}

function isOneOf<T>(allowed: readonly T[], value: unknown): value is T {
  return allowed.some(one => one === value)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}

/** A manifest may come from anywhere; it shall not lead to files outside of its folder. */
function isBelow(file: string): boolean {
  return file !== '' && !file.includes('\0') && !/^\/|(^|\/)(\.\.?)?(\/|$)/.test(file)
}
