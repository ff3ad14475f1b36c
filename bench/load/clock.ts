/** `performance.now` begins with its process, hrtime with the machine. */
const ORIGIN = Number(process.hrtime.bigint()) / 1e6 - performance.now()

/** The machine's monotonic clock, in ms: the same for all its processes. */
export function machineMs(): number {
  return ORIGIN + performance.now()
}
