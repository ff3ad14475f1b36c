/** Much longer than anything takes: other tests may have the processors meanwhile. */
const PATIENCE_MS = 30_000

/** Waits until something is so, for at most half a minute; `what` says what was waited for, or how it stands. */
export async function until(
  isSo: () => boolean | Promise<boolean>,
  what = () => isSo.toString(),
): Promise<void> {
  const deadline = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`waited for too long: ${what()}`)
    await pause(2)
  }
}

/** Lets this many milliseconds pass. Keeps the process: a test that waits for nothing else would end unfinished. */
export function pause(ms: number): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, ms))
}
