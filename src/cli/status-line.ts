import type { Output } from './output.ts'

const INTERVAL_MS = 200

/** A line on a terminal that is drawn anew while something goes on. */
export interface StatusLine {
  /** Writes something else, above it. */
  readonly above: (write: () => void) => void
  readonly hide: () => void
}

const NO_LINE: StatusLine = { above: write => write(), hide: () => {} }

/**
 * Shows nothing where lines cannot be redrawn.
 *
 * @param first - what it says at first
 * @param text - what it says from then on; undefined to leave it as it is
 */
export async function showStatusLine(
  { canRedraw, colour, stream }: Output,
  first: string,
  text: () => string | undefined,
): Promise<StatusLine> {
  if (!canRedraw) return NO_LINE
  const { default: ora } = await import('ora')
  const spinner = ora({
    stream,
    // What it is shown on has been looked at: it would look at the environment of this process.
    isEnabled: true,
    // It does not know NO_COLOR.
    color: colour === 0 ? false : 'cyan',
    // It would swallow the input of `pub`, and take Ctrl-C for itself.
    discardStdin: false,
    text: first,
  }).start()
  const timer = setInterval(() => {
    spinner.text = text() ?? spinner.text
  }, INTERVAL_MS)
  return {
    above: write => {
      spinner.clear()
      write()
      spinner.render()
    },
    hide: () => {
      clearInterval(timer)
      spinner.stop()
    },
  }
}
