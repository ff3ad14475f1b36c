/** What an nsqd says behind E_PUB_FAILED that takes nothing in until it is started again, or told otherwise. */
export const DRAINING = 'nsqd is draining'
export const EXITING = 'nsqd is shutting down'

/** Whether the text of an error says that; `exiting` is the word of the official nsqd. */
export function saysLeaving(text: string): boolean {
  return text.includes(DRAINING) || text.includes(EXITING) || text.endsWith(' exiting')
}
