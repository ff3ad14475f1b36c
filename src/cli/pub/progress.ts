import type { Output } from '../output.ts'
import { showStatusLine, type StatusLine } from '../status-line.ts'
import { formatBytes, formatCount, plural } from '../units.ts'
import type { Publisher } from './publisher.ts'

/** A line on the terminal, where there is one, that shows how publishing goes. */
export function showProgress(publisher: Publisher, target: string, output: Output): Promise<StatusLine> {
  const startedAt = performance.now()
  return showStatusLine(output, `publishing to ${target}`, () => {
    const { messages, bytes } = publisher.acknowledged
    const rate = messages / ((performance.now() - startedAt) / 1000)
    return `${plural(messages, 'message')}, ${formatBytes(bytes)}, ${formatCount(rate)}/s to ${target}`
  })
}
