/** What a context may hold: flags, and what they are in the file. */
import { hasPassword } from '../../util/password.ts'

export interface ContextKey {
  readonly kind: 'list' | 'text' | 'switch' | 'number'
  /** Never shown. */
  readonly isSecret?: boolean
  /** In the file it may be relative to the file. */
  readonly isPath?: boolean
}

const file: ContextKey = { kind: 'text', isPath: true }

/** By flag, in the order in which they are written. */
export const CONTEXT_KEYS: Readonly<Record<string, ContextKey>> = {
  'lookupd-http-address': { kind: 'list' },
  'nsqd-tcp-address': { kind: 'list' },
  'nsqd-http-address': { kind: 'list' },
  tls: { kind: 'switch' },
  'tls-ca': file,
  'tls-cert': file,
  'tls-key': file,
  'tls-server-name': { kind: 'text' },
  'tls-insecure': { kind: 'switch' },
  snappy: { kind: 'switch' },
  deflate: { kind: 'switch' },
  'deflate-level': { kind: 'number' },
  'auth-secret': { kind: 'text', isSecret: true },
}

/** Of these one is enough to be found by. */
export const ADDRESS_KEYS = ['lookupd-http-address', 'nsqd-tcp-address', 'nsqd-http-address'] as const

/** Without what names nothing, such as an empty variable's value: as if it were not there. */
export function withoutEmpty(texts: readonly string[]): string[] {
  return texts.filter(text => /[^\s,]/.test(text))
}

export function hasSecret(values: Readonly<Record<string, readonly string[]>>): boolean {
  return Object.entries(values).some(
    ([key, texts]) => CONTEXT_KEYS[key]?.isSecret === true || texts.some(text => hasPassword(text)),
  )
}
