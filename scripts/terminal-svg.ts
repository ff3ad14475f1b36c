/**
 * Draws what a terminal shows as an SVG, for the README. It reads text with colours, as tmux gives it:
 *
 *     tmux capture-pane -e -p | node --import tsx scripts/terminal-svg.ts > docs/images/dev.svg
 */
import { text } from 'node:stream/consumers'

const COLUMN = 8.4
const ROW = 19
const PADDING = 18
const TITLE_BAR = 34
const FOREGROUND = '#d5dae3'
const BACKGROUND = '#1b1f27'
/** The eight colours of SGR 30 to 37; 90 to 97 are drawn alike. */
const PALETTE = ['#5c6370', '#ef7a85', '#98d07f', '#e9c46a', '#6cb0f5', '#c792ea', '#5fc9d8', FOREGROUND]

interface Style {
  colour: string
  isBold: boolean
  isDim: boolean
}

const PLAIN: Style = { colour: FOREGROUND, isBold: false, isDim: false }

function drawTerminal(screen: string): string {
  const lines = screen.replace(/\s+$/, '').split('\n')
  let style = PLAIN
  let widest = 0
  const rows = lines.map((line, row) => {
    let column = 0
    let spans = ''
    // The first piece goes on in the style of the line before; each other one begins with its own.
    for (const [i, piece] of line.split('\x1b[').entries()) {
      const [, codes = '', words = piece] = (i > 0 && /^([\d;]*)m(.*)$/.exec(piece)) || []
      if (i > 0) style = restyle(style, codes)
      spans += span(words, column, style)
      column += words.length
    }
    widest = Math.max(widest, column)
    return `<text y="${TITLE_BAR + PADDING + row * ROW}">${spans}</text>`
  })
  const width = Math.ceil(widest * COLUMN + 2 * PADDING)
  const height = TITLE_BAR + lines.length * ROW + PADDING
  const dots = ['#ff5f57', '#febc2e', '#28c840'].map(
    (colour, i) => `<circle cx="${20 + i * 20}" cy="18" r="6" fill="${colour}"/>`,
  )
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<rect width="${width}" height="${height}" rx="8" fill="${BACKGROUND}"/>`,
    ...dots,
    `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="14" xml:space="preserve">`,
    ...rows,
    '</g>',
    '</svg>',
    '',
  ].join('\n')
}

/** `textLength` keeps columns aligned, whichever font is there. */
function span(piece: string, column: number, { colour, isBold, isDim }: Style): string {
  if (piece.trim() === '') return ''
  const indent = piece.length - piece.trimStart().length
  const shown = piece.trim()
  const x = (PADDING + (column + indent) * COLUMN).toFixed(1)
  const length = (shown.length * COLUMN).toFixed(1)
  const weight = isBold ? ' font-weight="bold"' : ''
  const opacity = isDim ? ' fill-opacity="0.6"' : ''
  return `<tspan x="${x}" textLength="${length}" fill="${colour}"${weight}${opacity}>${escapeXml(shown)}</tspan>`
}

/** SGR: what is not drawn is passed over. */
function restyle(before: Style, codes: string): Style {
  let style = before
  for (const code of codes.split(';').map(Number)) {
    if (code === 0) style = PLAIN
    else if (code === 1) style = { ...style, isBold: true }
    else if (code === 2) style = { ...style, isDim: true }
    else if (code === 22) style = { ...style, isBold: false, isDim: false }
    else if (code === 39) style = { ...style, colour: FOREGROUND }
    else if ((code >= 30 && code <= 37) || (code >= 90 && code <= 97)) {
      style = { ...style, colour: PALETTE[code % 10] ?? FOREGROUND }
    }
  }
  return style
}

function escapeXml(raw: string): string {
  return raw.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

process.stdout.write(drawTerminal(await text(process.stdin)))
