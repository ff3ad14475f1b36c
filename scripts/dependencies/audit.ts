/** What `npm audit --json` has said: what is known against packages, or why nobody could tell. */
export type AuditResult =
  | { readonly isAnswered: true; readonly findings: readonly string[] }
  | { readonly isAnswered: false; readonly why: string }

/** The part of the answer that is used: each package with what is known against it, or against what it depends on. */
interface Report {
  readonly message?: string
  readonly error?: { readonly summary?: string }
  readonly vulnerabilities?: Readonly<Record<string, { readonly via: readonly (Advisory | string)[] }>>
}

interface Advisory {
  readonly name: string
  readonly title: string
  readonly severity: string
  readonly range: string
  readonly url: string
}

/**
 * Reads that. A registry that does not answer, or has no audits (mirrors often), is told apart from what npm itself does not
 * like.
 *
 * @throws Error with npm's words when it is not the registry that is at fault
 */
export function readAudit(json: string): AuditResult {
  const { vulnerabilities, message, error }: Report = JSON.parse(json)
  if (vulnerabilities !== undefined) {
    const found = Object.values(vulnerabilities).flatMap(({ via }) => via)
    const texts = found.flatMap(each =>
      typeof each === 'string'
        ? []
        : `${each.name} ${each.range}: ${each.title} (${each.severity}), ${each.url}`,
    )
    return { isAnswered: true, findings: [...new Set(texts)].sort() }
  }
  if (message?.includes('/-/npm/v1/security/') === true) return { isAnswered: false, why: message }
  throw new Error(`npm audit: ${message ?? error?.summary ?? json}`)
}
