/** What S3 answers when it does not do what it was asked to. */
export class S3Fault extends Error {
  readonly status: number
  readonly code: string
  readonly more: string

  /** @param more - elements besides the code and the message */
  constructor(status: number, code: string, message: string, more = '') {
    super(message)
    this.status = status
    this.code = code
    this.more = more
  }

  get body(): string {
    return xml(
      `<Error><Code>${this.code}</Code><Message>${escape(this.message)}</Message>${escapeLines(this.more)}</Error>`,
    )
  }
}

export function xml(element: string): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${element}`
}

export function escape(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

export function unescape(text: string): string {
  const signs: Record<string, string> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
  return text.replaceAll(/&(\w+);/g, (all, name: string) => signs[name] ?? all)
}

function escapeLines(text: string): string {
  return text.replaceAll('\n', '&#10;')
}
