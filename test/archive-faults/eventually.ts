import { pause } from '../support/wait.ts'

const PATIENCE_MS = 60_000
/** Each look costs this process and an nsqd something, and there are many over seconds of waiting: a bit less often, then. */
const LONGEST_PAUSE_MS = 150

/** Waits until something is so, for longer than `until`: what is retried has pauses that grow. `what` says how it stands. */
export async function eventually(isSo: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  for (let ms = 20; !(await isSo()); ms = Math.min(ms * 1.3, LONGEST_PAUSE_MS)) {
    if (performance.now() > deadline) throw new Error(`waited for too long: ${what()}`)
    await pause(ms)
  }
}
