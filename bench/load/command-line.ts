/** What a publishing command begins with. Every one of the same kind has the same length: a bare server counts bytes. */
export function publishLine(topic: string, delay: number | undefined): string {
  return delay === undefined ? `PUB ${topic}\n` : `DPUB ${topic} ${String(delay).padStart(6, '0')}\n`
}
