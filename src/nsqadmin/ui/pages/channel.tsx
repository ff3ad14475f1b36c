import { PageHead } from '../components/page-head.tsx'

export function ChannelPage({ topic, channel }: { topic: string; channel: string }) {
  return <PageHead title={`${channel} of ${topic}`} />
}
