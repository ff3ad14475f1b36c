/** `85 us`, `1.25 ms`, `2.50 s`: three digits. */
export function formatMs(ms: number): string {
  if (ms < 0.9995) return `${formatFigure(ms * 1000)} us`
  return ms < 999.5 ? `${formatFigure(ms)} ms` : `${formatFigure(ms / 1000)} s`
}

/** Three digits, or all before the point. */
export function formatFigure(value: number): string {
  if (value >= 99.95) return value.toFixed(0)
  return value >= 9.995 ? value.toFixed(1) : value.toFixed(2)
}
