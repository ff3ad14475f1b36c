/** The characters that a table is drawn with. */
export interface Glyphs {
  /** From nothing to the highest. */
  readonly levels: readonly string[]
  readonly ellipsis: string
  readonly upDown: string
}

// Not the full block: with it the trends of two rows would run into one another.
const UNICODE: Glyphs = { levels: Array.from(' ▁▂▃▄▅▆▇'), ellipsis: '…', upDown: '↑↓' }
const ASCII: Glyphs = { levels: Array.from(' _.-=+*#'), ellipsis: '~', upDown: 'up/down' }

/** Those that the locale can show, as the first of these variables says that is set (POSIX). */
export function glyphsFor(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform = process.platform,
): Glyphs {
  // Windows has none of these variables, and its terminals take UTF-8 from Node.
  if (platform === 'win32') return UNICODE
  const locale = env['LC_ALL'] || env['LC_CTYPE'] || env['LANG'] || ''
  return /utf-?8/i.test(locale) ? UNICODE : ASCII
}

/** The last `width` values, a character each, as heights from 0 to the highest; what is above 0 is seen. */
export function sparkline(values: readonly number[], width: number, { levels }: Glyphs): string {
  const shown = values.slice(-width)
  const highest = Math.max(...shown, 1)
  const steps = levels.length - 1
  return shown
    .map(value => levels[Math.ceil((Math.max(0, value) / highest) * steps)] ?? '')
    .join('')
    .padStart(width)
}
