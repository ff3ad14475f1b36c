import { PageHead } from '../components/page-head.tsx'

export function CounterPage() {
  return <PageHead title="counter" />
}
