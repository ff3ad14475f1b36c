import { PageHead } from '../components/page-head.tsx'

export function NodesPage() {
  return <PageHead title="nodes" />
}
