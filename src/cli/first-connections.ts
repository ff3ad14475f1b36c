import { setTimeout as sleep } from 'node:timers/promises'

const PATIENCE_MS = 1000
const TICK_MS = 10

/**
 * Resolves when each of these has a connection, and after a second in any case. A consumer has started when nsqlookupd has
 * answered: to connect to the nsqds that it named takes a moment more, and until then it looks as if there were none.
 */
export async function firstConnections(
  sources: () => Iterable<readonly string[]>,
  patienceMs = PATIENCE_MS,
): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (performance.now() < deadline) {
    if ([...sources()].every(connections => connections.length > 0)) return
    await sleep(TICK_MS)
  }
}
