/** The counter's way from one update to the next: it goes on counting, evenly, and is never ahead of what is known. */
export interface Climb {
  from: number
  to: number
  /** When it began, and how long it takes, in milliseconds. */
  at: number
  takes: number
}

export function counterAt({ from, to, at, takes }: Climb, now: number): number {
  // It counts down only when an nsqd began anew: then at once.
  if (to <= from || now >= at + takes) return to
  return Math.floor(from + ((to - from) * Math.max(0, now - at)) / takes)
}
