/** What the watch panel holds: the newest messages, and those that came while somebody reads. */
import type { ShownMessage, WatchedMessages } from '../../live-types.ts'
import { bodyText } from './bytes.ts'

/** Messages kept, shown and held together; the oldest go. */
export const KEPT = 500
/** Milliseconds over which the rate is taken. */
const RATE_SPAN = 5000

export interface Watched {
  /** Unlike the id it is there once only: a message may come again. */
  key: number
  message: ShownMessage
}

export interface WatchList {
  /** Newest first. */
  shown: readonly Watched[]
  /** Newer than those shown, newest first: they wait until nobody reads any more. */
  held: readonly Watched[]
  received: number
  /** Messages that came too fast to be shown: nsqadmin left them out. */
  skipped: number
  /** When how many came, shown and skipped, within the last seconds. */
  arrivals: readonly { at: number; count: number }[]
}

export const EMPTY: WatchList = { shown: [], held: [], received: 0, skipped: 0, arrivals: [] }

/** Takes what came at `now` (milliseconds, steady); with `hold` nothing that is shown moves. */
export function receive(list: WatchList, update: WatchedMessages, hold: boolean, now: number): WatchList {
  const fresh = update.messages.map((message, i) => ({ key: list.received + i, message })).reverse()
  const newer = [...fresh, ...list.held]
  return {
    shown: hold ? list.shown : [...newer, ...list.shown].slice(0, KEPT),
    held: hold ? newer.slice(0, KEPT) : [],
    received: list.received + fresh.length,
    skipped: list.skipped + update.skipped,
    arrivals: [
      ...list.arrivals.filter(({ at }) => now - at < RATE_SPAN),
      { at: now, count: fresh.length + update.skipped },
    ],
  }
}

/** Shows what was held. */
export function release(list: WatchList): WatchList {
  if (list.held.length === 0) return list
  return { ...list, shown: [...list.held, ...list.shown].slice(0, KEPT), held: [] }
}

/** Messages a second over the last five, or as long as there is something to count. */
export function arrivalRate({ arrivals }: WatchList, now: number): number {
  const recent = arrivals.filter(({ at }) => now - at < RATE_SPAN)
  return recent.reduce((sum, { count }) => sum + count, 0) / (RATE_SPAN / 1000)
}

/** Those whose text, id or node has the words, in any case; a binary body is searched as Latin-1. */
export function matching(list: readonly Watched[], words: string): readonly Watched[] {
  const wanted = words.trim().toLowerCase()
  if (wanted === '') return list
  return list.filter(({ message }) => searchable(message).includes(wanted))
}

const searchTexts = new WeakMap<ShownMessage, string>()

function searchable(message: ShownMessage): string {
  let text = searchTexts.get(message)
  if (text === undefined) {
    const body = bodyText(message) ?? atob(message.body)
    text = `${body} ${message.id} ${message.node}`.toLowerCase()
    searchTexts.set(message, text)
  }
  return text
}
