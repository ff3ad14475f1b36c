import { clock, dateTime } from '../format.ts'

/** Milliseconds since 1970 of nanoseconds as text. */
export function publishedAt(timestamp: string): number {
  return Number(timestamp.slice(0, -6) || '0')
}

/** `14:03:27.123`, here. */
export function clockMs(time: number): string {
  return `${clock(time)}.${String(time % 1000).padStart(3, '0')}`
}

/** `2026-03-01 14:03:27.123`, here. */
export function dateTimeMs(time: number): string {
  return `${dateTime(time)}.${String(time % 1000).padStart(3, '0')}`
}
