import type { NodeRow } from '../../live-types.ts'
import { compareVersions, missingAt } from '../registrations.ts'
import { Chip } from './chip.tsx'

interface NodeChipsProps {
  node: NodeRow
  /** That any node runs, when all are known. */
  newest?: string | undefined
  lookupds: readonly string[]
}

/** What is the matter with an nsqd; nothing when all is well. */
export function NodeChips({ node, newest, lookupds }: NodeChipsProps) {
  const { health, error, version } = node
  const missing = missingAt(node, lookupds)
  return (
    <>
      {error !== null && (
        <Chip tone="bad" icon="warning" title={error}>
          no answer
        </Chip>
      )}
      {error === null && health !== null && health !== 'OK' && (
        <Chip tone="bad" icon="warning" title={health}>
          not healthy
        </Chip>
      )}
      {missing.length > 0 && (
        <Chip
          tone="warn"
          icon="warning"
          title={`Consumers who ask these nsqlookupds do not find it: ${missing.join(', ')}`}
        >
          partly registered
        </Chip>
      )}
      {newest !== undefined && version !== '' && compareVersions(version, newest) < 0 && (
        <Chip icon="up" title={`Others run ${newest}`}>
          older version
        </Chip>
      )}
    </>
  )
}
