import { render } from 'preact'
import { useEffect, useErrorBoundary } from 'preact/hooks'
import { Layout } from './components/layout.tsx'
import { Blank, Loading } from './components/states.tsx'
import { Button } from './components/button.tsx'
import { Link } from './components/link.tsx'
import { loadConfig, useConfig } from './config.ts'
import { startNavigation, usePlace } from './navigation.ts'
import { ChannelPage } from './pages/channel.tsx'
import { CounterPage } from './pages/counter.tsx'
import { LookupPage } from './pages/lookup.tsx'
import { NodePage } from './pages/node.tsx'
import { NodesPage } from './pages/nodes.tsx'
import { TopicPage } from './pages/topic.tsx'
import { TopicsPage } from './pages/topics.tsx'
import { applyKeptTheme } from './theme.ts'

function App() {
  const { config, error, retry } = useConfig()
  return (
    <Layout>
      {config ? (
        <Guarded />
      ) : error ? (
        <Blank title={error.message} bad>
          <p>{error.remedy}</p>
          <Button onPress={retry}>Retry</Button>
        </Blank>
      ) : (
        <Loading />
      )}
    </Layout>
  )
}

/** A fault of ours is said, and the rest of the site goes on. */
function Guarded() {
  const { route } = usePlace()
  const [error, reset] = useErrorBoundary()
  // Another page may be well.
  useEffect(() => () => reset(), [route, reset])
  if (error === undefined) return <Page />
  return (
    <Blank title="This page has failed" bad>
      <p>
        <code>{String(error)}</code>
      </p>
      <p>That is a fault in nsqadmin, not in your cluster.</p>
      <Button onPress={reset}>Retry</Button>
    </Blank>
  )
}

function Page() {
  const { route } = usePlace()
  // Another topic is another page: nothing of the one before is kept.
  switch (route.page) {
    case 'topics':
      return <TopicsPage />
    case 'topic':
      return <TopicPage key={route.topic} topic={route.topic} />
    case 'channel':
      return (
        <ChannelPage key={`${route.topic}/${route.channel}`} topic={route.topic} channel={route.channel} />
      )
    case 'nodes':
      return <NodesPage />
    case 'node':
      return <NodePage key={route.node} node={route.node} />
    case 'lookup':
      return <LookupPage />
    case 'counter':
      return <CounterPage />
    default:
      return (
        <Blank title="There is no such page">
          <p>
            <Link to={{ page: 'topics' }}>To the topics</Link>
          </p>
        </Blank>
      )
  }
}

const root = document.getElementById('page')
if (root) {
  applyKeptTheme()
  startNavigation()
  void loadConfig()
  root.replaceChildren()
  render(<App />, root)
}
