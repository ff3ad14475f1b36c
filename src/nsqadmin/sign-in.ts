/** The token of --auth-token: who has it, and how a browser gets to have it. */
import { createHash, createHmac, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Reply } from '../http/reply.ts'
import type { HttpRequest, Route } from '../http/router.ts'

const COOKIE = 'nsqadmin'
const MAX_FORM = 10_000
/** Who tries tokens out gets so far in a day. */
const WRONG_TOKEN_MS = 500

/** Knows who has the token. The cookie proves it without holding it. */
export class Token {
  readonly #token: string
  readonly #cookie: string

  constructor(token: string) {
    this.#token = token
    this.#cookie = createHmac('sha256', token).update('nsqadmin: signed in').digest('base64url')
  }

  /** Whether the request has the token in its Authorization header, or the cookie of who has signed in. */
  isKnownTo({ headers }: Pick<IncomingMessage, 'headers'>): boolean {
    const [, bearer] = /^bearer +(\S+)$/i.exec(headers.authorization ?? '') ?? []
    if (bearer !== undefined && this.is(bearer)) return true
    const cookies = (headers.cookie ?? '').split(';').map(pair => pair.trim().split('='))
    return cookies.some(([name, value = '']) => name === COOKIE && areEqual(value, this.#cookie))
  }

  is(text: string): boolean {
    return areEqual(text, this.#token)
  }

  /** A `Set-Cookie` for this session of the browser, for our own pages only. */
  cookie(basePath: string, isHttps: boolean): string {
    const path = `${basePath}/`
    return `${COOKIE}=${this.#cookie}; Path=${path}; HttpOnly; SameSite=Strict${isHttps ? '; Secure' : ''}`
  }
}

/** In a time that tells nothing, not even about the length. */
function areEqual(a: string, b: string): boolean {
  return timingSafeEqual(digest(a), digest(b))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}

/** `POST /login` and what its page looks like. */
export function signInRoutes(token: Token, basePath: string): Route[] {
  return [
    {
      method: 'POST',
      path: '/login',
      handle: request => signIn(request, token, basePath),
    },
    {
      method: 'GET',
      path: '/login',
      handle: () => signInPage(basePath, `${basePath}/`),
    },
    {
      method: 'GET',
      path: '/login.css',
      handle: () => ({ status: 200, contentType: 'text/css; charset=utf-8', body: STYLE }),
    },
  ]
}

async function signIn(request: HttpRequest, token: Token, basePath: string): Promise<Reply> {
  const form = new URLSearchParams((await request.readBody(MAX_FORM)).toString())
  const next = ownPath(form.get('next') ?? '', basePath)
  if (!token.is(form.get('token') ?? '')) {
    await new Promise(resolve => setTimeout(resolve, WRONG_TOKEN_MS))
    return signInPage(basePath, next, 'That is not the token.')
  }
  const isHttps = request.headers['x-forwarded-proto'] === 'https' || request.headers['x-scheme'] === 'https'
  return { status: 303, headers: { Location: next, 'Set-Cookie': token.cookie(basePath, isHttps) }, body: '' }
}

/** A path of ours, as browsers write them, and no other site's: `//host` and `/\host` are taken as one. */
function ownPath(text: string, basePath: string): string {
  const isOwn = text.startsWith(`${basePath}/`) && /^\/(?![/\\])[\x21-\x7e]*$/.test(text)
  return isOwn ? text : `${basePath}/`
}

/** What a browser gets in place of everything until its user has signed in. */
export function signInPage(basePath: string, next: string, complaint = ''): Reply {
  const body = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Sign in - nsqadmin</title>
<link rel="stylesheet" href="${basePath}/login.css">
</head>
<body>
<main>
<h1>nsqadmin</h1>
<form method="post" action="${basePath}/login">
<input type="hidden" name="next" value="${escaped(ownPath(next, basePath))}">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<p role="alert">${complaint}</p>
<button>Sign in</button>
<p>It is what nsqadmin was started with: --auth-token, or NSQ_AUTH_TOKEN.</p>
</form>
</main>
</body>
</html>
`
  return {
    status: 401,
    contentType: 'text/html; charset=utf-8',
    headers: { 'Content-Security-Policy': POLICY, 'WWW-Authenticate': 'Bearer realm="nsqadmin"' },
    body,
  }
}

const POLICY =
  "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

const STYLE = `:root { color-scheme: light dark; background: Canvas; color: CanvasText }
body { display: grid; place-items: center; min-height: 90vh; margin: 0; font: 16px/1.5 system-ui, sans-serif }
main { width: min(22rem, 90vw) }
label, input, button { display: block; width: 100%; box-sizing: border-box; font: inherit }
input, button { padding: 0.5rem; border-radius: 0.3rem }
input { margin: 0.25rem 0 0; border: 1px solid GrayText }
button { border: 0; background: #1a56db; color: #fff; cursor: pointer }
:focus-visible { outline: 3px solid #5b8def; outline-offset: 2px }
p { font-size: 0.875rem }
p[role=alert] { min-height: 1.5em; margin: 0.25rem 0; color: light-dark(#b00020, #ff8a95) }
`

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}
