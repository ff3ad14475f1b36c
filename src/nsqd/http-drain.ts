import { empty, type Reply } from '../http/reply.ts'
import type { Route } from '../http/router.ts'

/** The parts of a daemon that can be taken out of service. */
export interface DrainTarget {
  drain(): void
  undrain(): void
}

/** `POST /drain` and `/undrain`. Each may be repeated. */
export function drainRoutes(nsqd: DrainTarget): Route[] {
  const post = (path: string, act: () => void): Route => ({
    method: 'POST',
    path,
    handle(): Reply {
      act()
      return empty()
    },
  })
  return [post('/drain', () => nsqd.drain()), post('/undrain', () => nsqd.undrain())]
}
