import { PageHead } from '../components/page-head.tsx'

export function NodePage({ node }: { node: string }) {
  return <PageHead title={node} />
}
