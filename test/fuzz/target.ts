import type { Random } from '../storage/random.ts'

/** Whether what came was understood, or refused with an error that is meant for it. */
export type Outcome = 'accepted' | 'rejected'

/** Something that reads what others have written. */
export interface Target {
  readonly name: string
  /** Valid inputs. */
  readonly corpus: readonly Buffer[]
  /** Words of the format, that are put in. */
  readonly tokens: readonly (string | Buffer)[]
  /** Of an input, in bytes; 16 KiB unless given. */
  readonly maxInput?: number
  /** The most that may be allocated in one piece while an input is read, in bytes: what somebody else announces is a claim. */
  readonly mostAtOnce?: number
  /** Throws what is a fault: an error that nobody has declared, or a result that is not so. */
  run(input: Buffer, random: Random): Outcome | Promise<Outcome>
  close?(): Promise<void> | void
}

export type MakeTarget = () => Target | Promise<Target>

/** Runs what may refuse its input; throws on any error that was not meant for that. */
export function attempt(run: () => void, isDeclared: (error: unknown) => boolean): Outcome {
  try {
    run()
  } catch (error) {
    if (isDeclared(error)) return 'rejected'
    throw error
  }
  return 'accepted'
}

/** Throws unless both are the same. */
export function same(actual: string, expected: string, what: string): void {
  if (actual !== expected)
    throw new Error(`${what}: ${JSON.stringify(actual)} instead of ${JSON.stringify(expected)}`)
}

/** Byte by byte, or at random: in few pieces or many, as a network might. */
export function chunksOf(input: Buffer, random: Random): Buffer[] {
  const density = random.pick([1, 1, 0.5, 0.1, 0.02]) * (input.length > 1024 ? 0.1 : 1)
  const chunks: Buffer[] = []
  let start = 0
  for (let at = 1; at < input.length; at++) {
    if (density < 1 && !random.chance(density)) continue
    chunks.push(input.subarray(start, at))
    start = at
  }
  chunks.push(input.subarray(start))
  return chunks
}
