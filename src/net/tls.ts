import type { TLSSocket } from 'node:tls'

/** What a TLS handshake has led to. */
export interface TlsFacts {
  /** As Node names it: `TLSv1.2`, `TLSv1.3`. */
  version: string
  /** The IANA name, such as `TLS_AES_128_GCM_SHA256`. */
  cipher: string
  /** What ALPN chose; empty when nothing was. */
  protocol: string
  /** Of the other side's certificate; empty when there is none. */
  commonName: string
  /** Whether the other side's certificate was verified. */
  authorized: boolean
}

export function tlsFacts(socket: TLSSocket): TlsFacts {
  const { alpnProtocol } = socket
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().standardName,
    protocol: typeof alpnProtocol === 'string' ? alpnProtocol : '',
    commonName: commonName(socket),
    authorized: socket.authorized,
  }
}

function commonName(socket: TLSSocket): string {
  // Without a certificate Node gives an empty object, whatever its type says.
  const { subject }: { subject?: { CN?: string | string[] } } = socket.getPeerCertificate()
  const name = subject?.CN ?? ''
  return typeof name === 'string' ? name : (name[0] ?? '')
}
