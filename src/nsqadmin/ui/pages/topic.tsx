import { PageHead } from '../components/page-head.tsx'

export function TopicPage({ topic }: { topic: string }) {
  return <PageHead title={topic} />
}
