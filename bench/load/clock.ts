/** `performance.now` begins with its process, hrtime with the machine. */
const ORIGIN = origin()

/** The machine's monotonic clock, in ms: the same for all its processes. */
export function machineMs(): number {
  return ORIGIN + performance.now()
}

/** Of several looks at both clocks the quickest, as the process may have had to wait between the two. */
function origin(): number {
  let [least, best] = [Infinity, 0]
  for (let i = 0; i < 10; i++) {
    const before = performance.now()
    const machine = Number(process.hrtime.bigint()) / 1e6
    const took = performance.now() - before
    if (took < least) [least, best] = [took, machine - before]
  }
  return best
}
