/** The short form of `npm run fuzz`: every target has some inputs. SEED=n repeats a run, RUNS=n makes it longer. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { Random, seeded } from '../storage/random.ts'
import { campaign, Finding } from './campaign.ts'
import { Mutator } from './mutator.ts'
import type { Target } from './target.ts'
import { TARGETS } from './targets/index.ts'

const RUNS = Number(process.env['RUNS'] ?? 8000)
/** Of the targets with sockets, files or other threads. */
const FEWEST = 12
const SHARES = Object.values(TARGETS).reduce((sum, { share }) => sum + share, 0)

describe('fuzz', () => {
  for (const [name, { make, share }] of Object.entries(TARGETS)) {
    test(name, async t => {
      const { seed } = seeded(text => t.diagnostic(text))
      const target = await make()
      try {
        const runs = Math.max(FEWEST, Math.round((RUNS * share) / SHARES))
        const { accepted, rejected } = await campaign(target, { runs, seed })
        assert.equal(accepted + rejected, runs)
      } finally {
        await target.close?.()
      }
    })
  }
})

const SAMPLE: Target = {
  name: 'sample',
  corpus: [Buffer.from('one two 3'), Buffer.from('four')],
  tokens: ['five'],
  mostAtOnce: 10_000,
  run: () => 'accepted',
}

const picky: Target = {
  ...SAMPLE,
  run(input) {
    if (input.includes('five')) throw new TypeError('not five')
    return 'accepted'
  },
}

const greedy: Target = {
  ...SAMPLE,
  run: () => (Buffer.allocUnsafe(10_001).length > 0 ? 'accepted' : 'rejected'),
}

const slow: Target = {
  ...SAMPLE,
  run() {
    const before = process.cpuUsage()
    while (process.cpuUsage(before).user < 15_000);
    return 'accepted'
  },
}

async function finding(target: Target, runs: number, from = 0): Promise<Finding> {
  const found = await campaign(target, { runs, seed: 1, from, slowMs: 10 }).catch((error: unknown) => error)
  assert.ok(found instanceof Finding)
  return found
}

function inputs(seed: number): Buffer[] {
  const mutator = new Mutator(SAMPLE.corpus, SAMPLE.tokens, 64)
  return Array.from({ length: 500 }, (_, i) => mutator.next(new Random(seed + i)))
}

describe('a campaign', () => {
  test('finds an error that nobody has declared, and says how to have it again', async () => {
    const found = await finding(picky, 10_000)
    assert.ok(found.input.includes('five'))
    const [, from = ''] = /--only sample --seed 1 --from (\d+) --runs 1/.exec(found.message) ?? []
    assert.deepEqual((await finding(picky, 1, Number(from))).input, found.input)
  })

  test('finds memory that is asked for on the word of an input, and time out of proportion', async () => {
    assert.match((await finding(greedy, 1)).message, /10001 bytes were allocated/)
    assert.match((await finding(slow, 1)).message, /it takes \d+ ms/)
  })

  test('makes the same inputs of the same numbers, within their length', () => {
    assert.deepEqual(inputs(7), inputs(7))
    assert.notDeepEqual(inputs(7), inputs(8000))
    assert.ok(inputs(7).every(input => input.length <= 64))
    assert.ok(new Set(inputs(7).map(String)).size > 300)
  })
})
