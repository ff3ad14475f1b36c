/** The page: one HTML file for all of its addresses, and what it loads, from a folder that `npm run build` fills. */
import { readdir, readFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { HttpError } from '../http/error.ts'
import { acceptsGzip } from '../http/gzip.ts'
import { type Reply, text } from '../http/reply.ts'
import type { HttpRequest, Route } from '../http/router.ts'
import type { NsqadminOptions } from './options.ts'

/** Right from src/nsqadmin and from dist/nsqadmin. */
const BUILT = fileURLToPath(new URL('../../dist/nsqadmin/page/', import.meta.url))

const INDEX = 'index.html'

const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

/** The addresses that the page itself tells apart. */
const VIEWS = [
  '',
  '/',
  '/topics',
  '/topics/:topic',
  '/topics/:topic/:channel',
  '/nodes',
  '/nodes/:node',
  '/lookup',
  '/counter',
]

const compress = promisify(gzip)

interface File {
  contentType: string
  body: Buffer
  compressed: Buffer
}

/** Anything else is 404 NOT_FOUND. */
export function pageRoutes(options: NsqadminOptions): Route[] {
  const files = new Files(options)
  const view = (path: string): Route => ({ method: 'GET', path, handle: request => files.index(request) })
  return [
    ...VIEWS.map(view),
    { method: 'GET', path: '/:file', handle: request => files.file(request, request.params['file'] ?? '') },
  ]
}

class Files {
  readonly #folder: string
  readonly #basePath: string
  /** Files that somebody works on are read anew each time. */
  readonly #isDev: boolean
  #files: Promise<Map<string, File>> | undefined

  constructor({ devStaticDir, basePath }: NsqadminOptions) {
    this.#folder = devStaticDir ?? BUILT
    this.#isDev = devStaticDir !== undefined
    this.#basePath = basePath
  }

  async index(request: HttpRequest): Promise<Reply> {
    const file = (await this.#all()).get(INDEX)
    if (file !== undefined) return reply(file, request, {})
    return text(
      `The page of nsqadmin is not here: ${this.#folder} has no ${INDEX}. "npm run build" makes it.\n`,
      503,
    )
  }

  async file(request: HttpRequest, name: string): Promise<Reply> {
    const file = name === INDEX ? undefined : (await this.#all()).get(name)
    if (file === undefined) throw new HttpError(404, 'NOT_FOUND')
    // Its name has a hash of what is in it.
    const isForEver = !this.#isDev && /-[A-Z0-9]{8}\.\w+$/.test(name)
    return reply(file, request, isForEver ? { 'Cache-Control': 'public, max-age=31536000, immutable' } : {})
  }

  async #all(): Promise<Map<string, File>> {
    if (this.#isDev) return this.#read()
    const files = await (this.#files ??= this.#read())
    // It may yet be built.
    if (!files.has(INDEX)) this.#files = undefined
    return files
  }

  /** All at once: what is not in this list is not served, whatever a path is made to say. */
  async #read(): Promise<Map<string, File>> {
    const files = new Map<string, File>()
    const entries = await readdir(this.#folder, { withFileTypes: true }).catch(() => [])
    for (const entry of entries) {
      const contentType = TYPES[extname(entry.name)]
      if (contentType === undefined || !entry.isFile() || entry.name.startsWith('.')) continue
      const content = await readFile(join(this.#folder, entry.name))
      const body = entry.name === INDEX ? this.#withBase(content) : content
      files.set(entry.name, { contentType, body, compressed: await compress(body) })
    }
    return files
  }

  /** What the page loads and links to is relative to this. */
  #withBase(html: Buffer): Buffer {
    const base = `<base href="${this.#basePath}/">`
    const found = /<base [^>]*>/
    const given = html.toString()
    return Buffer.from(
      found.test(given) ? given.replace(found, base) : given.replace('<head>', `<head>${base}`),
    )
  }
}

function reply(file: File, { headers }: HttpRequest, own: Record<string, string>): Reply {
  const isCompressed = acceptsGzip(headers['accept-encoding'])
  return {
    status: 200,
    contentType: file.contentType,
    headers: { ...own, Vary: 'Accept-Encoding', ...(isCompressed ? { 'Content-Encoding': 'gzip' } : {}) },
    body: isCompressed ? file.compressed : file.body,
  }
}
