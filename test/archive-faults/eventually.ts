import { pause } from '../support/wait.ts'

const PATIENCE_MS = 60_000

/** Waits until something is so, for longer than `until`: what is retried has pauses that grow. `what` says how it stands. */
export async function eventually(isSo: () => boolean | Promise<boolean>, what: () => string): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited for too long: ${what()}`)
    await pause(20)
  }
}
