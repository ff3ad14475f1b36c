import assert from 'node:assert/strict'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, statSync, truncateSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import { parseBatches } from '../../src/storage/batches.ts'
import { Cursor } from '../../src/storage/cursor.ts'
import { isDeferred, recordLength } from '../../src/storage/record.ts'
import { recover } from '../../src/storage/recovery.ts'
import type { TopicLog } from '../../src/storage/topic-log.ts'
import { bodyAt, openLog, overwrite, replaceFs, startOf, systemError } from './fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Random, seeded } from './random.ts'

const NAME = '0000000002'
const LOG = `${NAME}.log`
const INDEX = `${NAME}.idx`
const INDEX_LINE = 16
/** How many damages each test tries; `DAMAGES=5000` for more. */
const DAMAGES = Number(process.env['DAMAGES'] ?? 14)

/** A log whose newest segment will be damaged, and what is in that. */
interface Sample {
  readonly folder: string
  readonly before: number
  readonly bodies: readonly Buffer[]
  /** Of each line of the index: where it begins and ends, in bytes and messages. */
  readonly lines: readonly { start: number; end: number; first: number; behind: number }[]
}

/** Commits of one message and of many, small and large, some deferred: enough for an index of more than a page. */
function sample(t: TestContext, random: Random): Sample {
  const folder = temporaryFolder()
  const old = openLog(t, folder)
  const before = random.int(0, 3)
  for (let i = 0; i < before; i++) old.append(Buffer.from('old'), 0, 3, 1, 2)
  old.commit()
  old.close()
  const log = openLog(t, folder, { segments: [], firstNumber: 2 })
  const bodies: Buffer[] = []
  for (let commit = 0; commit < 300; commit++) {
    const count = random.chance(0.1) ? random.int(2, 60) : 1
    for (let i = 0; i < count; i++) {
      const size = random.pick([0, 1, 20, 300, random.int(0, 4000), random.chance(0.02) ? 100_000 : 50])
      // No zeros: bytes that were never written are known by them.
      const body = Buffer.alloc(size, `${bodies.length},${random.int(0, 1e9)};`)
      bodies.push(body)
      if (random.chance(0.1)) log.appendDeferred(body, 0, size, 0x1234, 0x5678, 1.7e12 + 1 / 3)
      else log.append(body, 0, size, 0x1234, 0x5678)
    }
    log.commit()
  }
  log.close()
  const lines = parseBatches(readFileSync(join(folder, INDEX))).map(
    ({ offset, length, count, firstIndex }) => ({
      start: offset,
      end: offset + length,
      first: firstIndex,
      behind: firstIndex + count,
    }),
  )
  assert.equal(lines.at(-1)?.behind, bodies.length)
  return { folder, before, bodies, lines }
}

/** What a damage may take: all messages of these lines. And what it must not: what is not in them. */
interface Damage {
  readonly what: string
  readonly touched: (line: number) => boolean
  apply(folder: string): void
}

function flips(random: Random, { folder, lines }: Sample): Damage {
  const name = random.pick([LOG, INDEX])
  const bytes = readFileSync(join(folder, name))
  const bit = random.int(0, bytes.length * 8 - 1)
  const at = bit >> 3
  return {
    what: `bit ${bit & 7} of byte ${at} of ${name}`,
    touched: i => covers(lines, i, name, at, at + 1),
    apply: copy => overwrite(join(copy, name), at, Buffer.from([bytes.readUInt8(at) ^ (1 << (bit & 7))])),
  }
}

function cuts(random: Random, { folder, lines }: Sample): Damage {
  const name = random.pick([LOG, INDEX])
  const { size } = statSync(join(folder, name))
  const at = random.int(0, size)
  return {
    what: `${name} cut at ${at} of ${size}`,
    touched: i => covers(lines, i, name, at, size),
    apply: copy => truncateSync(join(copy, name), at),
  }
}

/** A page that was lost: zeros, or bytes from elsewhere. */
function pages(random: Random, { folder, lines }: Sample): Damage {
  const name = random.pick([LOG, INDEX])
  const { size } = statSync(join(folder, name))
  const page = random.pick([512, 4096])
  const at = random.int(0, Math.floor((size - 1) / page)) * page
  const length = Math.min(page, size - at)
  const bytes = random.chance(0.7) ? Buffer.alloc(length) : random.bytes(length)
  return {
    what: `${length} bytes at ${at} of ${name} overwritten with ${bytes[0] === 0 ? 'zeros' : 'noise'}`,
    // Without its lines, what is only a little unlike a run of messages is not taken for one.
    touched: i => covers(lines, i, name, at, at + length),
    apply: copy => overwrite(join(copy, name), at, bytes),
  }
}

function covers(lines: Sample['lines'], i: number, name: string, from: number, to: number): boolean {
  const line = lines[i]
  if (line === undefined || from >= to) return false
  const [start, end] = name === INDEX ? [i * INDEX_LINE, (i + 1) * INDEX_LINE] : [line.start, line.end]
  return start < to && end > from
}

/** What comes out of a log, by its place among the messages of the newest segment. */
async function readAll(log: TopicLog, { before }: Sample): Promise<Map<number, Buffer>> {
  const got = new Map<number, Buffer>()
  let wake: (() => void) | undefined
  const cursor = new Cursor(
    log,
    {
      readable: () => wake?.(),
      readFailed(cause) {
        throw cause
      },
      damaged: () => undefined,
    },
    startOf(log),
  )
  while (cursor.ordinal < log.endOrdinal) {
    const readable = new Promise<void>(resolve => {
      wake = resolve
    })
    if (!cursor.fill() || cursor.block === undefined) {
      if (cursor.ordinal < log.endOrdinal) await readable
      continue
    }
    const { bytes } = cursor.block
    const place = cursor.ordinal - before
    if (place >= 0) got.set(place, Buffer.from(bodyAt(bytes, cursor.at)))
    if (isDeferred(bytes, cursor.at)) assert.ok(recordLength(bytes, cursor.at) > 0)
    cursor.advance(recordLength(bytes, cursor.at), 1)
  }
  cursor.close()
  return got
}

function copyOf({ folder }: Sample): string {
  const copy = join(temporaryFolder(), 'copy')
  cpSync(folder, copy, { recursive: true })
  return copy
}

/** Recovers a damaged copy and checks all that is promised of it. Gives how many messages were lost. */
async function check(
  t: TestContext,
  sample: Sample,
  damage: Damage,
  copy: string,
  saidBefore = '',
): Promise<number> {
  const { bodies, lines } = sample
  const recovered = recover(copy, new Map())
  const log = openLog(t, copy, { segments: recovered.segments, firstNumber: 1000 })
  const got = await readAll(log, sample)
  log.close()
  for (const [place, body] of got)
    assert.ok(body.equals(bodies[place] ?? Buffer.of(1)), `${damage.what}: message ${place}`)
  let lost = 0
  for (const [i, { first, behind }] of lines.entries()) {
    for (let place = first; place < behind; place++) {
      if (got.has(place)) continue
      lost++
      assert.ok(damage.touched(i), `${damage.what}: message ${place} is lost`)
    }
  }
  const said = recovered.warnings.join('\n') || saidBefore
  if (lost > 0) assert.match(said, /are lost|cut behind its last good message/, damage.what)
  // Those in the middle are counted exactly.
  const inMiddle = [...said.matchAll(/damaged at byte \d+: (\d+) messages are lost/g)].reduce(
    (sum, [, n]) => sum + Number(n),
    0,
  )
  const end = log.endOrdinal - sample.before
  assert.equal(inMiddle, end - got.size, `${damage.what}\n${said}`)
  // The next start finds nothing new, and changes nothing.
  const files = contents(copy)
  const again = recover(copy, new Map())
  assert.deepEqual(again.warnings, [], damage.what)
  assert.deepEqual(
    again.segments.map(({ count, size }) => [count, size]),
    recovered.segments.map(({ count, size }) => [count, size]),
  )
  assert.ok(sameContents(contents(copy), files), `${damage.what}: a second start changes files`)
  return lost
}

function contents(folder: string): Map<string, Buffer> {
  return new Map(readdirSync(folder).map(name => [name, readFileSync(join(folder, name))]))
}

function sameContents(a: Map<string, Buffer>, b: Map<string, Buffer>): boolean {
  return a.size === b.size && [...a].every(([name, bytes]) => b.get(name)?.equals(bytes) === true)
}

describe('damage to the newest segment', () => {
  for (const [name, make, most] of [
    ['a flipped bit', flips, 100],
    ['a file cut off', cuts, Infinity],
    ['a lost page', pages, Infinity],
  ] as const) {
    test(`${name} costs no message but those next to it, and changes none`, async t => {
      const random = seeded(text => t.diagnostic(text))
      const given = sample(t, random)
      for (let i = 0; i < DAMAGES; i++) {
        const copy = copyOf(given)
        const damage = make(random, given)
        damage.apply(copy)
        const lost = await check(t, given, damage, copy)
        assert.ok(
          lost <= Math.max(most, ...given.lines.map(({ first, behind }) => behind - first)),
          damage.what,
        )
        rmSync(copy, { recursive: true })
      }
    })
  }

  test('to the index alone costs nothing where sound lines follow, but for a wrong CRC', async t => {
    const random = seeded(text => t.diagnostic(text))
    const given = sample(t, random)
    const last = given.lines.length - 1
    for (let i = 0; i < DAMAGES; i++) {
      const line = random.int(0, last)
      const field = random.pick([0, 4, 12])
      const copy = copyOf(given)
      overwrite(join(copy, INDEX), line * INDEX_LINE + field, random.bytes(4))
      const damage: Damage = {
        what: `field ${field} of line ${line}`,
        touched: () => false,
        apply: () => undefined,
      }
      assert.equal(await check(t, given, damage, copy), 0)
      rmSync(copy, { recursive: true })
    }
    for (const [from, to] of [
      [0, 2 * INDEX_LINE],
      [0, last * INDEX_LINE],
      [5, 100],
      [0, (last + 1) * INDEX_LINE],
    ] as const) {
      const copy = copyOf(given)
      overwrite(join(copy, INDEX), from, Buffer.alloc(to - from))
      const damage: Damage = {
        what: `zeros ${from}..${to}`,
        touched: i => i === 0 && from > 0,
        apply: () => undefined,
      }
      await check(t, given, damage, copy)
    }
  })

  test('may be anywhere, several times: none is changed, and what lies far from it stays', async t => {
    const random = seeded(text => t.diagnostic(text))
    const given = sample(t, random)
    for (let i = 0; i < DAMAGES / 2; i++) {
      const copy = copyOf(given)
      const damages = Array.from({ length: random.int(2, 6) }, () =>
        random.pick([flips, pages])(random, given),
      )
      // Without a CRC nobody can tell a changed body: only the records, or only the index.
      const name = random.pick([LOG, INDEX])
      const chosen = damages.filter(({ what }) => what.includes(name))
      for (const damage of chosen) damage.apply(copy)
      const all: Damage = {
        what: chosen.map(({ what }) => what).join(', '),
        touched: i =>
          chosen.some(({ touched }) => touched(i) || touched(i - 1) || touched(i + 1)) || name === INDEX,
        apply: () => undefined,
      }
      await check(t, given, all, copy)
      rmSync(copy, { recursive: true })
    }
  })

  test('is mended at the next start, when the disk refuses that, or nsqd is killed, at any point', async t => {
    const random = seeded(text => t.diagnostic(text))
    const given = sample(t, random)
    const line = given.lines[random.int(5, 200)]
    assert.ok(line)
    const damage: Damage = {
      what: `the batch at ${line.start}`,
      touched: i => given.lines[i] === line || i === given.lines.length - 1,
      apply(copy) {
        overwrite(join(copy, LOG), line.start + 20, random.bytes(10))
        truncateSync(join(copy, LOG), (given.lines.at(-1)?.end ?? 0) - 1)
      },
    }
    const whole = copyOf(given)
    damage.apply(whole)
    const damagedBytes = readFileSync(join(whole, LOG))
    for (let step = 1, ended = false; !ended; step++) {
      const copy = copyOf(given)
      cpSync(join(whole, LOG), join(copy, LOG))
      let calls = 0
      const restores = (
        ['writeSync', 'fdatasyncSync', 'fsyncSync', 'renameSync', 'ftruncateSync'] as const
      ).map(name =>
        replaceFs(t, name, (original: (...args: never[]) => unknown) => (...args: never[]) => {
          if (++calls >= step) throw systemError('EIO')
          return original(...args)
        }),
      )
      const first = recover(copy, new Map())
      for (const restore of restores) restore()
      ended = calls < step
      if (!ended) {
        assert.match(first.warnings.join(), /could not be mended \(EIO/)
        const log = openLog(t, copy, { segments: first.segments, firstNumber: 1000 })
        const got = await readAll(log, given)
        for (const [place, body] of got) assert.ok(body.equals(given.bodies[place] ?? Buffer.of(1)))
        log.close()
        rmSync(join(copy, '0000001000.log'), { force: true })
        await check(t, given, damage, copy, first.warnings.join('\n'))
      }
      const aside = readFileSync(join(copy, `${LOG}.bad-${line.start}`))
      assert.ok(aside.equals(damagedBytes.subarray(line.start, line.end)), `step ${step}`)
      assert.ok(!readdirSync(copy).some(file => file.endsWith('.tmp')))
      assert.ok(step < 50)
      assert.ok(existsSync(join(copy, INDEX)))
    }
  })
})
