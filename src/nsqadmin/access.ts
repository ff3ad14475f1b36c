/**
 * Who may do what. Before anything else each request is asked whether it knows our name (--allowed-host) and the token
 * (--auth-token); what changes something is asked besides whether it comes from our own page and from an administrator.
 */
import type { IncomingMessage } from 'node:http'
import { HttpError } from '../http/error.ts'
import { json, type Reply } from '../http/reply.ts'
import type { HttpRequest, Route } from '../http/router.ts'
import type { NsqadminOptions } from './options.ts'
import { signInPage, type Token } from './sign-in.ts'

/** What tools without the token need; they tell nothing about messages. */
const OPEN = ['/ping', '/metrics', '/login', '/login.css']

/**
 * Sent with every reply. The page loads nothing from elsewhere and nothing is written into it, so that no text of a message
 * or a topic can become a script, whatever the page does with it.
 */
export function securityHeaders(options: Pick<NsqadminOptions, 'graphiteUrl'>): Record<string, string> {
  const images = options.graphiteUrl ? ` ${new URL(options.graphiteUrl).origin}` : ''
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    `img-src 'self' data:${images}`,
    "connect-src 'self'",
    "base-uri 'self'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'Cache-Control': 'no-store',
    'Cross-Origin-Resource-Policy': 'same-origin',
    // Nothing for others. Not no-referrer: forms would then send "Origin: null", which could be anybody's.
    'Referrer-Policy': 'same-origin',
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
  }
}

/** The refusal of a request that may not even ask; undefined for others. */
export function refusalOf(
  raw: IncomingMessage,
  options: NsqadminOptions,
  token: Token | undefined,
): Reply | undefined {
  if (!isAllowedHost(raw.headers.host, options.allowedHost)) {
    return json({ message: 'UNKNOWN_HOST: --allowed-host has not the name by which this was asked' }, 403)
  }
  if (token === undefined || token.isKnownTo(raw)) return undefined
  const [path = ''] = (raw.url ?? '').split('?')
  if (OPEN.some(open => path === options.basePath + open)) return undefined
  const wantsPage = raw.method === 'GET' && (raw.headers.accept ?? '').includes('text/html')
  if (wantsPage) return signInPage(options.basePath, raw.url ?? '/')
  const reply = json({ message: 'UNAUTHORIZED' }, 401)
  return { ...reply, headers: { 'WWW-Authenticate': 'Bearer realm="nsqadmin"' } }
}

/** The routes, each that changes something with a guard before it. */
export function guarded(routes: readonly Route[], options: NsqadminOptions): Route[] {
  return routes.map(route => {
    if (!isSensitive(route)) return route
    const handle = (request: HttpRequest): Reply | Promise<Reply> => {
      checkChange(request.raw, options)
      return route.handle(request)
    }
    return { ...route, handle }
  })
}

/** Watching is a GET, as browsers have no other for events, but it makes a channel. Signing in only makes a cookie. */
function isSensitive({ method, path }: Route): boolean {
  if (path === '/login') return false
  return method !== 'GET' || path === '/api/watch'
}

function checkChange(raw: IncomingMessage, options: NsqadminOptions): void {
  if (!isOwn(raw)) throw new HttpError(403, 'CROSS_ORIGIN')
  if (!isAdmin(raw, options)) throw new HttpError(403, 'FORBIDDEN')
  if (options.readOnly) throw new HttpError(403, 'READ_ONLY')
}

/**
 * Whether a request is made by our own page, or by no browser at all. A browser says for which site a request is made, and
 * no page can make it say otherwise: in Sec-Fetch-Site (only to https and to this machine), and in Origin (in all requests but
 * plain GETs) or Referer.
 */
export function isOwn({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none'
  const from = headers.origin ?? headers.referer
  if (from === undefined) return true
  const forwarded = headers['x-forwarded-host']
  return [headers.host, typeof forwarded === 'string' ? forwarded.split(',')[0]?.trim() : undefined].some(
    host => host !== undefined && isSameHost(from, host),
  )
}

/** Default ports are left out of an origin, and need not be of the Host. */
function isSameHost(from: string, host: string): boolean {
  if (!URL.canParse(from)) return false
  const { protocol, host: theirs } = new URL(from)
  const ours = `${protocol}//${host}`
  return /^https?:$/.test(protocol) && URL.canParse(ours) && new URL(ours).host === theirs
}

/** Whether this user may change anything: everybody where no administrators are named. */
export function isAdmin(raw: Pick<IncomingMessage, 'headers'>, options: NsqadminOptions): boolean {
  if (options.adminUser.length === 0) return true
  const user = proxyUser(raw, options)
  return user !== undefined && options.adminUser.includes(user)
}

/** Who a proxy says this is, in --acl-http-header or by basic authentication: for the page, the log and notifications. */
export function userOf(raw: Pick<IncomingMessage, 'headers'>, options: NsqadminOptions): string | undefined {
  return proxyUser(raw, options) ?? basicUser(raw.headers.authorization)
}

/** For the log: `alice (10.0.0.7)`. */
export function senderOf(raw: IncomingMessage, options: NsqadminOptions): string {
  const { remoteAddress = '-' } = raw.socket
  const user = userOf(raw, options)
  return user === undefined ? remoteAddress : `${user} (${remoteAddress})`
}

function proxyUser(
  { headers }: Pick<IncomingMessage, 'headers'>,
  { aclHttpHeader }: NsqadminOptions,
): string | undefined {
  const value = headers[aclHttpHeader.toLowerCase()]
  const user = typeof value === 'string' ? value : value?.[0]
  return user === '' ? undefined : user
}

function isAllowedHost(host: string | undefined, allowed: readonly string[]): boolean {
  if (allowed.length === 0) return true
  const given = host?.toLowerCase() ?? ''
  const withoutPort = given.replace(/:\d+$/, '')
  return allowed.includes(given) || allowed.includes(withoutPort)
}

/** The user of HTTP's basic authentication, which a proxy has checked. */
export function basicUser(authorization: string | undefined): string | undefined {
  const [, encoded] = /^Basic +(\S+)$/i.exec(authorization ?? '') ?? []
  const [, user] = /^([^:]*):/.exec(Buffer.from(encoded ?? '', 'base64').toString()) ?? []
  return user === '' ? undefined : user
}
