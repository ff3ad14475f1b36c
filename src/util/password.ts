/** What stands for a secret where values are shown. */
export const HIDDEN = '***'

const PASSWORD = /^(https?:\/\/[^/@:]*|[^/@:\s]*):(?!\s)[^/]*@/i

/** `https://ada:secret@host`, or the same without https, without its secret; any other text as it is. */
export function withoutPassword(address: string): string {
  return address.replace(PASSWORD, `$1:${HIDDEN}@`)
}

export function hasPassword(address: string): boolean {
  return PASSWORD.test(address)
}

/** The same of each text of a list; anything else as it is. */
export function withoutPasswords(value: unknown): unknown {
  if (!Array.isArray(value)) return value
  return value.map((item: unknown) => (typeof item === 'string' ? withoutPassword(item) : item))
}
