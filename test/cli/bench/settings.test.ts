import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Load, loads } from '../../../src/cli/bench/settings.ts'
import { bench } from '../../../src/cli/commands/bench.ts'
import { resolveOptions } from '../../../src/util/option-values.ts'

type Given = Parameters<typeof resolveOptions>[1]

/** The options' types are known to the command only. */
type Options = Parameters<typeof loads>[0]

function loadsOf(mode: string[], given: Given = {}): Load[] {
  const values: unknown = resolveOptions(bench.options, given, {})
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- made of the command's own table
  return loads(values as Options, mode)
}

describe('what is measured', () => {
  test('everything, with what is usual', () => {
    const usual = { size: 200, connections: 2, pipeline: 10, warmupMs: 1000, durationMs: 5000 }
    const endless = { messages: Number.POSITIVE_INFINITY, rate: undefined }
    assert.deepEqual(loadsOf([]), [
      { mode: 'pub', ...usual, ...endless, batch: 200 },
      { mode: 'sub', ...usual, ...endless, batch: 200 },
      { mode: 'latency', ...usual, ...endless, batch: 1, rate: 1000 },
    ])
    assert.deepEqual(
      loadsOf(['all']).map(({ mode }) => mode),
      ['pub', 'sub', 'latency'],
    )
  })

  test('as it was given', () => {
    const given = { size: '8', batch: '3', connections: '4', pipeline: '5', rate: '60', messages: '70' }
    assert.deepEqual(loadsOf(['pub'], { ...given, warmup: '0' }), [
      {
        mode: 'pub',
        size: 8,
        batch: 3,
        connections: 4,
        pipeline: 5,
        rate: 60,
        warmupMs: 0,
        durationMs: Number.POSITIVE_INFINITY,
        messages: 70,
      },
    ])
    const [both] = loadsOf(['pub'], { messages: '70', duration: '1m' })
    assert.deepEqual([both?.messages, both?.durationMs], [70, 60_000])
  })

  test('large messages come in small batches', () => {
    assert.equal(loadsOf(['pub'], { size: '100000' })[0]?.batch, 10)
    assert.equal(loadsOf(['pub'], { size: '5000000' })[0]?.batch, 1)
  })

  test('a rate is for pub and latency, also among all', () => {
    assert.deepEqual(
      loadsOf([], { rate: '5' }).map(({ rate }) => rate),
      [5, undefined, 5],
    )
    assert.throws(() => loadsOf(['sub'], { rate: '5' }), {
      code: 'E_USAGE',
      message: /--rate is not for sub/,
    })
  })

  test('what is not understood', () => {
    assert.throws(() => loadsOf(['latencies']), { code: 'E_USAGE', remedy: 'Did you mean latency?' })
    assert.throws(() => loadsOf(['x']), { remedy: 'There are pub, sub, latency and all.' })
    assert.throws(() => loadsOf([], { json: true, csv: true }), { message: /exclude each other/ })
    assert.throws(() => loadsOf([], { size: '7' }), { message: /--size.*at least 8|--size.*between 8/ })
  })
})
