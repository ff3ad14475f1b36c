import type { Facts } from '../facts.ts'
import type { Check, Finding, Verdict } from '../finding.ts'
import { broadcast } from './broadcast.ts'
import { duplicate, limits, version } from './cluster.ts'
import { addresses, variables } from './configuration.ts'
import { clock, health, http } from './http.ts'
import { disk, node, openFiles } from './machine.ts'
import { auth, protocol } from './protocol.ts'
import { connect, dns } from './reach.ts'
import { registration } from './registration.ts'
import { service } from './service.ts'
import { tls } from './tls.ts'
import { backlog, paused, tombstone, unread } from './topics.ts'

/** All checks, in the order in which they matter. `docs/doctor.md` describes each. */
export const checks: readonly Check[] = [
  addresses,
  variables,
  node,
  openFiles,
  disk,
  dns,
  connect,
  service,
  broadcast,
  protocol,
  tls,
  auth,
  http,
  health,
  clock,
  version,
  limits,
  registration,
  duplicate,
  tombstone,
  unread,
  paused,
  backlog,
]

export function judge(facts: Facts): Finding[] {
  return checks.flatMap(({ id, run }) =>
    run(facts).map(verdict => ({ check: id, ...withoutPasswords(verdict) })),
  )
}

/** URLs may have one, and errors name them. */
function withoutPasswords<T extends Verdict>(verdict: T): T {
  return { ...verdict, message: verdict.message.replaceAll(/(?<=\/\/)[^/\s]*@/g, '') }
}
