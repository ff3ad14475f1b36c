import { PageHead } from '../components/page-head.tsx'

export function TopicsPage() {
  return <PageHead title="Topics" />
}
