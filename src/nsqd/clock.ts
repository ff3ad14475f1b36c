/** The time in Unix ms, with fractions. It never jumps while the process runs, whatever happens to the system's clock. */
export function now(): number {
  return performance.timeOrigin + performance.now()
}
