import { empty, type Reply } from '../http/reply.ts'
import type { Route } from '../http/router.ts'

/** The parts of a daemon that can be taken out of service. */
export interface DrainTarget {
  drain(): void
  undrain(): void
}

/** `POST /drain` and `/undrain`. Each may be repeated. */
export function drainRoutes(nsqd: DrainTarget): Route[] {
  return [post('/drain', () => nsqd.drain()), post('/undrain', () => nsqd.undrain())]
}

function post(path: string, act: () => void): Route {
  const handle = (): Reply => {
    act()
    return empty()
  }
  return { method: 'POST', path, handle }
}
