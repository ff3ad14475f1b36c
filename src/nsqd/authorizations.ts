import { now } from './clock.ts'

/** A regular expression. */
export interface Pattern {
  /** Whether it matches anywhere in the text. */
  test(text: string): boolean
}

export type Permission = 'subscribe' | 'publish'

/** Where topics and channels match, these things are allowed. */
export interface AuthorizationRule {
  readonly topic: Pattern
  readonly channels: readonly Pattern[]
  readonly permissions: ReadonlySet<Permission>
}

/** More topics than a client publishes to; beyond, their answers are worked out anew. */
const MAX_KNOWN_TOPICS = 1000

/** What one client may do, until it expires. */
export class Authorizations {
  readonly identity: string
  readonly identityUrl: string
  readonly #rules: readonly AuthorizationRule[]
  /** Unix ms. */
  readonly #expires: number
  /** Answers for publishing, which is asked about at every message. */
  readonly #publishable = new Map<string, boolean>()

  /** `expires` is Unix ms. */
  constructor({
    identity,
    identityUrl,
    rules,
    expires,
  }: {
    identity: string
    identityUrl: string
    rules: readonly AuthorizationRule[]
    expires: number
  }) {
    this.identity = identity
    this.identityUrl = identityUrl
    this.#rules = rules
    this.#expires = expires
  }

  /** How many rules there are; without any, nothing is allowed. */
  get count(): number {
    return this.#rules.length
  }

  get isExpired(): boolean {
    return this.#expires < now()
  }

  maySubscribe(topic: string, channel: string): boolean {
    return this.#allows('subscribe', topic, channel)
  }

  /** As in the official nsqd, one of the rule's channels must match the empty name: `.*` does, a name does not. */
  mayPublish(topic: string): boolean {
    let isAllowed = this.#publishable.get(topic)
    if (isAllowed === undefined) {
      isAllowed = this.#allows('publish', topic, '')
      if (this.#publishable.size >= MAX_KNOWN_TOPICS) this.#publishable.clear()
      this.#publishable.set(topic, isAllowed)
    }
    return isAllowed
  }

  #allows(permission: Permission, topic: string, channel: string): boolean {
    return this.#rules.some(
      rule =>
        rule.permissions.has(permission) &&
        rule.topic.test(topic) &&
        rule.channels.some(pattern => pattern.test(channel)),
    )
  }
}
