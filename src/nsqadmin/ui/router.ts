/** The pages, and their paths below the base path; the official nsqadmin's, so that bookmarks stay good. */
export type Route =
  | { page: 'topics' }
  | { page: 'topic'; topic: string }
  | { page: 'channel'; topic: string; channel: string }
  | { page: 'nodes' }
  | { page: 'node'; node: string }
  | { page: 'lookup' }
  | { page: 'counter' }
  | { page: 'unknown'; path: string }

/** The page at `path`, which is below the base path and still percent-encoded: `topics/orders%23ephemeral`. */
export function parseRoute(path: string): Route {
  const parts = split(path)
  if (!parts) return { page: 'unknown', path }
  const [first = '', second, third] = parts
  switch (`${first}/${parts.length}`) {
    case '/0':
    case 'topics/1':
      return { page: 'topics' }
    case 'topics/2':
      return { page: 'topic', topic: second ?? '' }
    case 'topics/3':
      return { page: 'channel', topic: second ?? '', channel: third ?? '' }
    case 'nodes/1':
      return { page: 'nodes' }
    case 'nodes/2':
      return { page: 'node', node: second ?? '' }
    case 'lookup/1':
      return { page: 'lookup' }
    case 'counter/1':
      return { page: 'counter' }
    default:
      return { page: 'unknown', path }
  }
}

/** Where a page is, for `href`: below the base path, without a slash before it. */
export function routePath(route: Route): string {
  switch (route.page) {
    case 'topics':
      return './'
    case 'topic':
      return `topics/${encodeURIComponent(route.topic)}`
    case 'channel':
      return `topics/${encodeURIComponent(route.topic)}/${encodeURIComponent(route.channel)}`
    case 'node':
      return `nodes/${encodeURIComponent(route.node)}`
    case 'unknown':
      return route.path
    default:
      return route.page
  }
}

/** What stands in the window's title, before the program's name. */
export function routeTitle(route: Route): string {
  switch (route.page) {
    case 'topics':
      return 'Topics'
    case 'topic':
      return route.topic
    case 'channel':
      return `${route.channel} of ${route.topic}`
    case 'nodes':
      return 'Nodes'
    case 'node':
      return route.node
    case 'lookup':
      return 'Lookup'
    case 'counter':
      return 'Counter'
    default:
      return 'Not found'
  }
}

/** The part of an absolute path that is below `base` (which ends in a slash). */
export function belowBase(pathname: string, base: string): string {
  return pathname.startsWith(base) ? pathname.slice(base.length) : pathname
}

function split(path: string): string[] | undefined {
  try {
    return path
      .split('/')
      .filter(part => part !== '')
      .map(decodeURIComponent)
  } catch {
    return undefined // not percent-encoded as it should be
  }
}
