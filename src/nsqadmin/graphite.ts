/** Graphite, for those who have one: its images by way of us, and the rate of a counter. */
import { HttpError } from '../http/error.ts'
import { json, type Reply } from '../http/reply.ts'
import { type HttpReply, request } from '../http/request.ts'
import { type HttpRequest, parseTarget, type Route } from '../http/router.ts'
import { errorText } from '../util/errors.ts'
import type { Admin } from './admin.ts'
import type { GraphiteConfig } from './live-types.ts'
import type { NsqadminOptions } from './options.ts'

const MAX_IMAGE = 8 * 1024 * 1024

export function graphiteRoutes(admin: Admin): Route[] {
  const { proxyGraphite } = admin.options
  return [
    { method: 'GET', path: '/api/graphite', handle: request => rate(admin, request) },
    ...(proxyGraphite
      ? [{ method: 'GET', path: '/render', handle: (request: HttpRequest) => render(admin, request) }]
      : []),
  ]
}

/** What the page needs to show images; null without --graphite-url. */
export function graphiteConfig(options: NsqadminOptions): GraphiteConfig | null {
  if (!options.graphiteUrl) return null
  return {
    url: options.proxyGraphite ? options.basePath : withoutSecrets(options.graphiteUrl),
    prefix: options.statsdPrefix,
    counterFormat: options.statsdCounterFormat,
    gaugeFormat: options.statsdGaugeFormat,
    interval: Math.round(options.statsdInterval / 1000),
  }
}

/** A URL without a password, and without its query: either may be a secret. */
export function withoutSecrets(text: string): string {
  const url = new URL(text)
  url.username = ''
  url.password = ''
  url.search = ''
  return url.href.replace(/\/$/, '')
}

async function render(admin: Admin, { raw }: HttpRequest): Promise<Reply> {
  const { query } = parseTarget(raw.url ?? '')
  try {
    const { status, contentType = '', body } = await fetchFrom(admin, query, MAX_IMAGE)
    // Graphite's own pages have no business here: they would be pages of ours.
    const isData = /^(?:image\/(?:png|svg\+xml|gif|jpeg)|application\/json|text\/csv)\b/.test(contentType)
    return { status, contentType: isData ? contentType : 'text/plain; charset=utf-8', body }
  } catch (error) {
    admin.logger.error(`graphite: ${errorText(error)}`)
    throw new HttpError(502, 'UPSTREAM_ERROR: Graphite did not answer')
  }
}

/** What a counter grew by over the last whole interval, a second: `{"rate": "12.50"}`. */
async function rate(admin: Admin, { query: given }: HttpRequest): Promise<Reply> {
  if (given.get('metric') !== 'rate') throw new HttpError(400, 'INVALID_ARG_METRIC')
  const target = given.get('target')
  if (target === null) throw new HttpError(400, 'INVALID_ARG_TARGET')
  const seconds = Math.round(admin.options.statsdInterval / 1000)
  const query = new URLSearchParams({
    from: `-${seconds * 2}sec`,
    until: `-${seconds}sec`,
    format: 'json',
    target,
  })
  try {
    const { body } = await fetchFrom(admin, query.toString(), MAX_IMAGE)
    const count = firstPoint(JSON.parse(body.toString()))
    return json({ rate: count === undefined || count < 0 ? 'N/A' : (count / seconds).toFixed(2) })
  } catch (error) {
    admin.logger.error(`graphite: ${errorText(error)}`)
    throw new HttpError(500, 'INTERNAL_ERROR')
  }
}

async function fetchFrom(admin: Admin, query: string, maxReplySize: number): Promise<HttpReply> {
  const { graphiteUrl, httpClientConnectTimeout, httpClientRequestTimeout } = admin.options
  if (!graphiteUrl) throw new Error('there is no --graphite-url')
  return request('GET', `${graphiteUrl.replace(/\/+$/, '')}/render?${query}`, {
    name: withoutSecrets(graphiteUrl),
    connectTimeoutMs: httpClientConnectTimeout,
    requestTimeoutMs: httpClientRequestTimeout,
    maxReplySize,
  })
}

/** `[{"target": …, "datapoints": [[value, time], …]}, …]`; undefined where there is no value. */
function firstPoint(reply: unknown): number | undefined {
  const [series]: unknown[] = Array.isArray(reply) ? reply : []
  if (typeof series !== 'object' || series === null || !('datapoints' in series)) return undefined
  const [point]: unknown[] = Array.isArray(series.datapoints) ? series.datapoints : []
  const [value]: unknown[] = Array.isArray(point) ? point : []
  return typeof value === 'number' ? value : undefined
}
