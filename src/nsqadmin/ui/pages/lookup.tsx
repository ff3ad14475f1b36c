import { PageHead } from '../components/page-head.tsx'

export function LookupPage() {
  return <PageHead title="lookup" />
}
