import { formatBytes, formatCount, plural } from '../units.ts'
import type { Publisher } from './publisher.ts'

const INTERVAL_MS = 200

/** A line on the terminal that shows how publishing goes. Returns how to take it away. */
export async function showProgress(publisher: Publisher, target: string): Promise<() => void> {
  const { default: ora } = await import('ora')
  const startedAt = performance.now()
  // ora would otherwise swallow the input that is to be published.
  const spinner = ora({ discardStdin: false, text: `publishing to ${target}` }).start()
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
