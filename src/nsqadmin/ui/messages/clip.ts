/** The first `room` UTF-16 units of a text, without half a character at the end. */
export function clip(text: string, room: number): string {
  if (text.length <= room) return text
  const last = text.charCodeAt(room - 1)
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? room - 1 : room)
}
