/** What colour a stream can show: 0 none, 1 basic, 2 with 256 colours, 3 all. */
export type ColourLevel = 0 | 1 | 2 | 3

interface Stream {
  readonly isTTY?: boolean
  getColorDepth?(env?: object): number
}

/** Obeys FORCE_COLOR, then NO_COLOR (no-color.org) and TERM=dumb, then whether the stream is a terminal. */
export function colourLevel(stream: Stream, env: Readonly<Record<string, string | undefined>>): ColourLevel {
  const forced = env['FORCE_COLOR']
  if (forced !== undefined) {
    if (forced === '0' || forced === 'false') return 0
    return forced === '2' ? 2 : forced === '3' ? 3 : 1
  }
  if (env['NO_COLOR'] || env['TERM'] === 'dumb' || !stream.isTTY) return 0
  const depth = stream.getColorDepth?.(env) ?? 4
  return depth >= 24 ? 3 : depth >= 8 ? 2 : depth >= 4 ? 1 : 0
}

type Paint = (text: string) => string

/** The few colours in use; each returns its text as it is where the stream shows none. */
export interface Painter {
  bold: Paint
  dim: Paint
  red: Paint
  yellow: Paint
  green: Paint
  cyan: Paint
}

const plain: Paint = text => text
const NO_COLOURS: Painter = { bold: plain, dim: plain, red: plain, yellow: plain, green: plain, cyan: plain }

/** chalk, loaded only when there is colour to show. */
export async function loadPainter(level: ColourLevel): Promise<Painter> {
  if (level === 0) return NO_COLOURS
  const { Chalk } = await import('chalk')
  return new Chalk({ level })
}
