import { useCallback } from 'preact/hooks'
import type { NodesUpdate } from '../../live-types.ts'
import { Card } from '../components/card.tsx'
import { CreateForm } from '../components/create-form.tsx'
import { Inactive } from '../components/inactive.tsx'
import { PageHead } from '../components/page-head.tsx'
import { LiveView } from '../components/states.tsx'
import { Tombstones } from '../components/tombstones.tsx'
import { call } from '../api.ts'
import { useConfig, useMayChange } from '../config.ts'
import { count } from '../format.ts'
import type { LiveState } from '../live-state.ts'
import { useLive } from '../live.ts'
import { useRequest } from '../use-request.ts'

const replace = (_: NodesUpdate | undefined, update: NodesUpdate): NodesUpdate => update

/** Asked for one by one, of each topic that no nsqd has. */
const INACTIVE_MS = 15_000

interface InactiveReply {
  topics: Record<string, string[] | null>
  message: string
}

/** What nsqlookupd knows: topics that no nsqd has, tombstones; and topics and channels are made here. */
export function LookupPage() {
  const { config } = useConfig()
  const mayChange = useMayChange()
  const hasLookupds = (config?.lookupds.length ?? 0) > 0
  const ask = useCallback(
    (signal: AbortSignal) => call<InactiveReply>('GET', 'api/topics?inactive=true', undefined, signal),
    [],
  )
  const inactive = useRequest(ask, INACTIVE_MS)
  const live = useLive({ view: 'nodes' }, replace)
  return (
    <>
      <PageHead title="Lookup" />
      {mayChange && <CreateForm hasLookupds={hasLookupds} onCreated={inactive.again} />}
      {hasLookupds ? (
        <>
          <Inactive request={inactive} />
          <Tombstones />
          <Lookupds lookupds={config?.lookupds ?? []} live={live} />
        </>
      ) : (
        <Card title="nsqlookupd">
          <p class="muted">
            This nsqadmin was given nsqds one by one (--nsqd-http-address), and no nsqlookupd: there are no
            inactive topics and no tombstones.
          </p>
        </Card>
      )}
    </>
  )
}

interface LookupdsProps {
  lookupds: readonly string[]
  live: LiveState<NodesUpdate> & { retry: () => void }
}

/** Which of them know how many of the nsqds. */
function Lookupds({ lookupds, live }: LookupdsProps) {
  return (
    <Card title="nsqlookupd" count={count(lookupds.length)}>
      <LiveView live={live}>
        {({ rows }) => (
          <ul class="lookupds">
            {lookupds.map(lookupd => {
              const known = rows.filter(row => row.lookupds.includes(lookupd)).length
              return (
                <li key={lookupd}>
                  <span class="name">{lookupd}</span>
                  <span class={known < rows.length ? 'warn-text' : 'muted'}>
                    knows {count(known)} of {count(rows.length)} nsqds
                  </span>
                </li>
              )
            })}
          </ul>
        )}
      </LiveView>
    </Card>
  )
}
