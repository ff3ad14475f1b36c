import { json, text } from '../http/reply.ts'
import { metricsRoute } from '../http/metrics.ts'
import type { Route } from '../http/router.ts'
import type { MetricsWriter } from '../util/prometheus.ts'
import { version } from '../util/version.ts'
import { guarded, isAdmin, userOf } from './access.ts'
import { type ConfigTarget, configRoutes } from './config-endpoint.ts'
import { graphiteConfig, graphiteRoutes } from './graphite.ts'
import type { PageConfig } from './live-types.ts'
import type { Notifier } from './notify.ts'
import { actionRoutes } from './official/actions.ts'
import { viewRoutes } from './official/views.ts'
import { pageRoutes } from './page.ts'
import { signInRoutes, type Token } from './sign-in.ts'

export interface NsqadminParts {
  notifier: Notifier
  /** Undefined without --auth-token. */
  token: Token | undefined
  /** What the page asks for beyond the official API. */
  liveRoutes: readonly Route[]
  writeMetrics(writer: MetricsWriter): void
}

/** The official HTTP API of nsqadmin 1.3.0, what our page needs besides, and the page; all under --base-path. */
export function nsqadminRoutes(admin: ConfigTarget, parts: NsqadminParts): Route[] {
  const { options } = admin
  const { notifier, token, liveRoutes } = parts
  const routes: Route[] = [
    { method: 'GET', path: '/ping', handle: () => text('OK') },
    metricsRoute(writer => parts.writeMetrics(writer)),
    { method: 'GET', path: '/api/config', handle: ({ raw }) => json(pageConfig(admin, raw)) },
    ...viewRoutes(admin),
    ...actionRoutes(admin, notifier),
    ...graphiteRoutes(admin),
    ...configRoutes(admin),
    ...liveRoutes,
    ...(token === undefined ? [] : signInRoutes(token, options.basePath)),
    ...pageRoutes(options),
  ]
  return guarded(routes, options).map(route => ({ ...route, path: options.basePath + route.path }))
}

function pageConfig({ options, cluster }: ConfigTarget, raw: Parameters<typeof isAdmin>[0]): PageConfig {
  return {
    version,
    isAdmin: isAdmin(raw, options),
    user: userOf(raw, options) ?? null,
    readOnly: options.readOnly,
    lookupds: [...cluster.lookupds],
    graphite: graphiteConfig(options),
  }
}
