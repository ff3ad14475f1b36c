import { serverTls } from '../net/tls.ts'
import type { Layer } from '../net/transport.ts'
import { AuthServers } from './auth.ts'
import type { NsqdOptions } from './options.ts'
import type { TlsSettings } from './tls-files.ts'

/** What protects the connections of clients. */
export interface Secured {
  /** Undefined without a certificate. */
  readonly tlsLayer: Layer | undefined
  /** Undefined when everybody may do everything. */
  readonly authServers: AuthServers | undefined
}

export function secure(options: NsqdOptions, tls: TlsSettings): Secured {
  return {
    tlsLayer: tls.server && serverTls(tls.server),
    authServers:
      options.authHttpAddress.length === 0
        ? undefined
        : new AuthServers({
            addresses: options.authHttpAddress,
            method: options.authHttpRequestMethod,
            connectTimeout: options.httpClientConnectTimeout,
            requestTimeout: options.httpClientRequestTimeout,
            tls: tls.client,
          }),
  }
}
