import { formatBytes, formatCount, plural } from '../units.ts'
import type { Output } from '../output.ts'
import type { Publisher } from './publisher.ts'

const INTERVAL_MS = 200

/** A line on the terminal, where there is one, that shows how publishing goes. Returns how to take it away. */
export async function showProgress(
  publisher: Publisher,
  target: string,
  { canRedraw, colour, stream }: Output,
): Promise<() => void> {
  if (!canRedraw) return () => {}
  const { default: ora } = await import('ora')
  const startedAt = performance.now()
  const spinner = ora({
    stream,
    // It does not know NO_COLOR.
    color: colour === 0 ? false : 'cyan',
    // It would swallow the input that is to be published.
    discardStdin: false,
    text: `publishing to ${target}`,
  }).start()
  const timer = setInterval(() => {
    const { messages, bytes } = publisher.acknowledged
    const rate = messages / ((performance.now() - startedAt) / 1000)
    spinner.text = `${plural(messages, 'message')}, ${formatBytes(bytes)}, ${formatCount(rate)}/s to ${target}`
  }, INTERVAL_MS)
  return () => {
    clearInterval(timer)
    spinner.stop()
  }
}
