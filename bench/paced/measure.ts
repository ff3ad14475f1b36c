import type { BenchOptions } from '../family.ts'
import { median, samplesInTurn } from '../measure.ts'
import {
  type PacedContestant,
  PacedLoad,
  type PacedSample,
  startPacedNsqd,
  startRelay,
} from './contestants.ts'
import type { PacedLine } from './lines.ts'

export interface PacedResult {
  readonly line: PacedLine
  readonly outcomes: {
    readonly ours: PacedOutcome
    readonly ceiling: PacedOutcome
    readonly peer?: PacedOutcome | undefined
  }
}

/** Of one contestant, in ms: medians over the rounds, and the worst of all. */
export interface PacedOutcome {
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly max: number
  /** How late the publisher was itself, as its 99th percentile. */
  readonly publisher: number
  readonly daemonNs: number
  readonly loadNs: number
  readonly rounds: readonly PacedSample[]
}

/** Measures a line: ours, the ceiling, and another nsqd if there is one, in turn. */
export async function measurePaced(
  line: PacedLine,
  { scale, rounds, peer, profile }: Omit<BenchOptions, 'officialBin'>,
): Promise<PacedResult> {
  const load = new PacedLoad(line, scale)
  const started: PacedContestant[] = []
  const start = <C extends PacedContestant>(contestant: C): C => {
    started.push(contestant)
    return contestant
  }
  try {
    const ours = start(await startPacedNsqd(line, load, '', profile))
    const ceiling = start(startRelay(line, load))
    const other = peer === '' ? undefined : start(await startPacedNsqd(line, load, peer, ''))
    const samples = await samplesInTurn(started, rounds)
    const of = (contestant: PacedContestant): PacedOutcome => outcomeOf(samples.get(contestant) ?? [])
    return { line, outcomes: { ours: of(ours), ceiling: of(ceiling), peer: other && of(other) } }
  } finally {
    load.stop()
    await Promise.all(started.map(contestant => contestant.stop()))
  }
}

function outcomeOf(rounds: readonly PacedSample[]): PacedOutcome {
  const middle = (value: (sample: PacedSample) => number): number => median(rounds.map(value))
  return {
    p50: middle(({ lateness }) => lateness.p50),
    p99: middle(({ lateness }) => lateness.p99),
    p999: middle(({ lateness }) => lateness.p999),
    max: Math.max(...rounds.map(({ lateness }) => lateness.max)),
    publisher: middle(({ publisher }) => publisher.p99),
    daemonNs: middle(({ daemonNs }) => daemonNs),
    loadNs: middle(({ loadNs }) => loadNs),
    rounds,
  }
}
