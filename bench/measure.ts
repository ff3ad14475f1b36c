import { type Contestant, type Sample, startCeiling, startNsqd } from './contestants.ts'
import type { BenchOptions } from './family.ts'
import type { Finding } from './finding.ts'
import type { Line } from './lines.ts'

/** Medians over the rounds of one line. */
export interface LineResult {
  readonly line: Line
  readonly ours: Outcome
  readonly peer: Outcome | undefined
  readonly ceiling: Outcome
  /** The ceiling when what is published goes to a file, as safely as the line asks. */
  readonly file: Outcome | undefined
}

export interface Outcome {
  readonly median: Sample
  readonly rounds: readonly Sample[]
  readonly peakRss: number | undefined
}

/** The rate of a line, and the memory of those that are about it. */
export function findingsOf({ line, ours, peer, ceiling, file }: LineResult): Finding[] {
  const { name, what, unit = 'rate', aims } = line
  const of = (outcome: Outcome): number =>
    unit === 'rate' ? outcome.median.rate : 1000 / outcome.median.rate
  const findings: Finding[] = []
  if (line.load.kind !== 'idle') {
    // A rate into a file has a ceiling that writes one, too. Time is compared with a bare echo.
    const bound = unit === 'rate' ? (file ?? ceiling) : ceiling
    const measured = { ours: of(ours), peer: peer && of(peer), ceiling: of(bound) }
    findings.push({ name, what, unit, aims, ...measured })
  }
  if (line.memoryAim !== undefined && ours.peakRss !== undefined) {
    findings.push({
      name,
      what: `${what}: resident`,
      unit: 'memory',
      ours: ours.peakRss,
      peer: peer?.peakRss,
      aims: { ours: line.memoryAim },
    })
  }
  return findings
}

type MeasureOptions = Omit<BenchOptions, 'officialBin'>

/** Measures a line: ours, the ceiling, and whoever else there is, in turn. */
export async function measure(line: Line, options: MeasureOptions): Promise<LineResult> {
  const { scale, peer, profile } = options
  const started: Contestant[] = []
  const start = async (contestant: Contestant | Promise<Contestant>): Promise<Contestant> => {
    const each = await contestant
    started.push(each)
    return each
  }
  try {
    const ours = await start(startNsqd(line, scale, '', profile))
    const other = peer === '' ? undefined : await start(startNsqd(line, scale, peer, ''))
    const ceiling = await start(startCeiling(line, scale, false))
    const toFile = line.load.kind === 'publish' && line.durability !== 'none'
    const file = toFile ? await start(startCeiling(line, scale, true)) : undefined
    // A single round has nothing to warm up with: it leaves out its own beginning.
    const rounds = line.rounds === undefined ? options.rounds : Math.min(options.rounds, line.rounds)
    const contestants = [ours, other, ceiling, file].filter(contestant => contestant !== undefined)
    const outcomes = await takeTurns(contestants, rounds)
    const of = (contestant: Contestant): Outcome => {
      const outcome = outcomes.get(contestant)
      if (outcome === undefined) throw new Error('not measured')
      return outcome
    }
    return {
      line,
      ours: of(ours),
      peer: other && of(other),
      ceiling: of(ceiling),
      file: file && of(file),
    }
  } finally {
    await Promise.all(started.map(contestant => contestant.stop()))
  }
}

/** As `samplesInTurn`, and what the samples come to. */
export async function takeTurns<C extends Contestant>(
  contestants: readonly C[],
  rounds: number,
): Promise<Map<C, Outcome>> {
  const samples = await samplesInTurn(contestants, rounds)
  return new Map([...samples].map(([contestant, taken]) => [contestant, outcomeOf(contestant, taken)]))
}

/**
 * Runs everybody in turn, round after round, so that what disturbs the machine disturbs them alike. Each round begins
 * with another one: who comes after somebody that leaves pages to be written is slower for it. The first round is the
 * warm-up and left out, unless there is to be one only.
 */
export async function samplesInTurn<S, C>(
  contestants: readonly (C & { run(round: number): Promise<S> })[],
  rounds: number,
): Promise<Map<C, S[]>> {
  const samples = new Map<C, S[]>(contestants.map(contestant => [contestant, []]))
  const first = rounds === 1 ? 1 : 0
  for (let round = first; round <= rounds; round++) {
    const turn = round % contestants.length
    for (const contestant of [...contestants.slice(turn), ...contestants.slice(0, turn)]) {
      const sample = await contestant.run(round)
      if (round > 0) samples.get(contestant)?.push(sample)
    }
  }
  return samples
}

function outcomeOf(contestant: Contestant, samples: readonly Sample[]): Outcome {
  const daemonNs = samples.map(sample => sample.daemonNs).filter(ns => ns !== undefined)
  return {
    median: {
      rate: median(samples.map(sample => sample.rate)),
      loadNs: median(samples.map(sample => sample.loadNs)),
      ...(daemonNs.length > 0 ? { daemonNs: median(daemonNs) } : {}),
    },
    rounds: samples,
    peakRss: contestant.peakRss(),
  }
}

/** Of an even number, the middle of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2
}
