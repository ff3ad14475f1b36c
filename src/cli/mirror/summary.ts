import type { Context } from '../command.ts'
import type { MirrorOptions } from '../commands/mirror.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { Tally } from './tally.ts'

export interface Run {
  readonly tally: Tally
  readonly topics: readonly string[]
  /** Messages that each nsqd of the destination has acknowledged. */
  readonly acknowledgedBy: ReadonlyMap<string, number>
  readonly seconds: number
}

/** Says what a run has done: on stdout as one JSON line where that is asked for, and in words on stderr. */
export function printSummary({ options, program, stdout, stderr }: Context<MirrorOptions>, run: Run): void {
  const { tally, topics, acknowledgedBy, seconds } = run
  if (options.json) stdout.line(JSON.stringify(summaryOf(run)))
  const say = (text: string): void => stderr.line(`${program}: ${text}`)
  const what = topics.length === 1 ? topics.join('') : plural(topics.length, 'topic')
  const nsqds = [...acknowledgedBy.keys()]
  const where = nsqds.length === 1 ? ` to ${nsqds.join('')}` : ''
  const rate = tally.mirrored / Math.max(seconds, 0.001)
  say(
    `${plural(tally.mirrored, 'message')} (${formatBytes(tally.bytes)}) of ${what}${where} ` +
      `in ${seconds.toFixed(seconds < 10 ? 2 : 0)} s, ${formatCount(rate)}/s`,
  )
  if (tally.published !== tally.mirrored) say(`these became ${plural(tally.published, 'message')}`)
  if (nsqds.length > 1)
    say(Array.from(acknowledgedBy, ([nsqd, n]) => `${formatCount(n)} to ${nsqd}`).join(', '))
  if (tally.leftOut.size > 0) {
    const reasons = Array.from(tally.leftOut, ([reason, count]) => `${formatCount(count)} ${words(reason)}`)
    say(`${plural(tally.leftOutTotal, 'message')} finished and not mirrored: ${reasons.join(', ')}`)
  }
  if (tally.failed > 0) say(`${plural(tally.failed, 'time')} a message could not be mirrored, and went back`)
  if (tally.requeued > 0) {
    say(`${plural(tally.requeued, 'time')} a message went back as the destination did not take it`)
  }
  if (tally.unfinished > 0) {
    say(`${plural(tally.unfinished, 'message')} mirrored that may come again: their FIN came too late`)
  }
  if (tally.givenUp > 0)
    say(`${plural(tally.givenUp, 'message')} lost: their attempts (max_attempts) were over`)
  if (tally.unsent > 0)
    say(`${plural(tally.unsent, 'message')} in hand at the end not mirrored: nsqd has them again`)
}

function words(reason: string): string {
  return reason.startsWith('--') ? `by ${reason}` : reason
}

function summaryOf({ tally, acknowledgedBy, seconds }: Run): object {
  const { mirrored, published, bytes, leftOut, failed, requeued, unfinished, givenUp, unsent } = tally
  return {
    mirrored,
    published,
    bytes,
    seconds: Math.round(seconds * 1000) / 1000,
    left_out: Object.fromEntries(leftOut),
    failed,
    requeued,
    unfinished,
    given_up: givenUp,
    unsent,
    destinations: Object.fromEntries(acknowledgedBy),
    ok: isComplete(tally),
  }
}

/** Whether all that was taken is either mirrored, or back in its channel because it could not be. */
export function isComplete({ unsent, givenUp }: Tally): boolean {
  return unsent === 0 && givenUp === 0
}
