import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import { checkServerIdentity, connect, createSecureContext, createServer } from 'node:tls'
import type {
  PeerCertificate,
  SecureContext,
  SecureContextOptions,
  SecureVersion,
  Server,
  TlsOptions,
  TLSSocket,
} from 'node:tls'
import { NsqError, errorText } from '../util/errors.ts'
import type { Layer } from './layer.ts'

type Pem = string | Buffer

/** How to trust a server, and how to be known to it. Certificates and keys are PEM texts. */
export interface TlsClientOptions {
  /** The authorities to trust; those that Node trusts unless given. */
  ca?: Pem
  cert?: Pem
  /** The private key of `cert`. */
  key?: Pem
  /** The name that the certificate must have; the host that was connected to unless given. */
  serverName?: string
  /** Whether the certificate must be trusted and of the right name; it must unless this is false. */
  verify?: boolean
  minVersion?: SecureVersion
}

export interface TlsServerOptions {
  cert: Pem
  key: Pem
  /** The authorities that clients' certificates are verified against; those that Node trusts unless given. */
  rootCa?: Pem
  /** Whether clients need a certificate: no, any one, or one that an authority has signed. */
  clientAuth: '' | 'require' | 'require-verify'
  minVersion: SecureVersion
}

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

/** How long a client may take for its handshake, as in the official nsqd. */
const SERVER_HANDSHAKE_MS = 5000

/** More handshakes at a time than this are rare; what serves one holds some 30 KB. */
const MAX_IDLE_SERVERS = 64

/** Reading the authorities takes a millisecond or more: once for each options object, not for each connection. */
const clientContexts = new WeakMap<TlsClientOptions, SecureContext>()

/**
 * TLS from the client's side. There is no deadline: the owner destroys the transport when it has waited long enough.
 *
 * @param host - what was connected to; behind a Unix socket, `localhost`
 */
export function clientTls(options: TlsClientOptions, host: string): Layer {
  const name = options.serverName ?? (host === '' || host.includes('/') ? 'localhost' : host)
  return below =>
    new Promise((resolve, reject) => {
      const socket = connect({
        socket: below,
        secureContext: clientContext(options),
        host: name,
        // An IP address is no server name (RFC 6066).
        servername: isIP(name) === 0 ? name : '',
        rejectUnauthorized: options.verify ?? true,
        checkServerIdentity: checkIdentity,
      })
      const fail = (error: Error): void => {
        socket.destroy()
        reject(failure(error, ` with ${name}`))
      }
      socket.on('error', fail)
      socket.once('close', () => fail(new Error('the connection was closed')))
      socket.once('secureConnect', () => resolve(socket))
    })
}

/** Node 22.23 takes every IPv6 address for a name that no certificate has. */
function checkIdentity(name: string, certificate: PeerCertificate): Error | undefined {
  const isItsAddress = isIP(name) === 6 && new X509Certificate(certificate.raw).checkIP(name) !== undefined
  return isItsAddress ? undefined : checkServerIdentity(name, certificate)
}

function clientContext(options: TlsClientOptions): SecureContext {
  let context = clientContexts.get(options)
  if (context === undefined) {
    const { ca, cert, key, minVersion } = options
    context = secureContext({ ca, cert, key, minVersion })
    clientContexts.set(options, context)
  }
  return context
}

/**
 * TLS from the server's side, for any number of connections. A client has five seconds for its handshake.
 *
 * @throws NsqError E_TLS when the certificate or its key cannot be used. A text without any authorities is not noticed.
 */
export function serverTls(options: TlsServerOptions): Layer {
  const serverOptions = tlsServerOptions(options)
  // Only a tls.Server checks clients' certificates, and it does not say which connection became which TLS socket. So each
  // serves one handshake at a time, and is used again for another.
  const idle: Server[] = []
  return below =>
    new Promise((resolve, reject) => {
      const server = idle.pop() ?? newServer(serverOptions, options.clientAuth)
      const settle = (): void => {
        server.removeAllListeners('tlsClientError')
        server.off('secureConnection', done)
        if (idle.length < MAX_IDLE_SERVERS) idle.push(server)
      }
      const fail = (error: Error, socket: TLSSocket): void => {
        settle()
        // After a timeout it would go on, and be taken for the next connection of this server.
        socket.destroy()
        // Not set when it did not come to the certificate's check, whatever its type says.
        const refused: unknown = socket.authorizationError
        reject(
          failure(refused ? new Error(`the client's certificate is refused: ${errorText(refused)}`) : error),
        )
      }
      const done = (socket: TLSSocket): void => {
        settle()
        socket.allowHalfOpen = allowHalfOpen
        if (socket.destroyed) reject(failure(new Error('the client has no certificate')))
        else resolve(socket)
      }
      // A client that leaves in the middle is noticed at once, not only when its time is over.
      const { allowHalfOpen } = below
      below.allowHalfOpen = false
      server.on('tlsClientError', fail)
      server.on('secureConnection', done)
      server.emit('connection', below)
    })
}

/**
 * What an HTTPS server needs to do as `serverTls` does. For the policy `require` see `demandCertificates`.
 *
 * @throws NsqError E_TLS when the certificate or its key cannot be used. A text without any authorities is not noticed.
 */
export function tlsServerOptions(options: TlsServerOptions): TlsOptions {
  const { cert, key, rootCa, clientAuth, minVersion } = options
  const pems = { cert, key, minVersion, ...(rootCa === undefined ? {} : { ca: rootCa }) }
  secureContext(pems)
  return {
    ...pems,
    requestCert: clientAuth !== '',
    rejectUnauthorized: clientAuth === 'require-verify',
    handshakeTimeout: SERVER_HANDSHAKE_MS,
  }
}

/** Closes connections without a client's certificate, of whatever authority. For TLS and HTTPS servers. */
export function demandCertificates(server: Server): void {
  server.prependListener('secureConnection', (socket: TLSSocket) => {
    if (socket.getPeerX509Certificate() === undefined) socket.destroy()
  })
}

function newServer(options: TlsOptions, clientAuth: TlsServerOptions['clientAuth']): Server {
  const server = createServer(options)
  if (clientAuth === 'require') demandCertificates(server)
  return server
}

function secureContext(pems: SecureContextOptions): SecureContext {
  try {
    return createSecureContext(pems)
  } catch (error) {
    throw new NsqError('E_TLS', `the certificate or its key cannot be used: ${errorText(error)}`, {
      cause: error,
      remedy: 'Give PEM texts: a certificate, and the key that belongs to it, not encrypted.',
    })
  }
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
  // Without a certificate Node gives an empty object, and of several names all, whatever its type says.
  const { subject }: { subject?: { CN?: string | string[] } } = socket.getPeerCertificate()
  const name = subject?.CN ?? ''
  return typeof name === 'string' ? name : (name[0] ?? '')
}

/** An error of the handshake as ours; why is in its cause. */
function failure(cause: unknown, whose = ''): NsqError {
  if (cause instanceof NsqError) return cause
  return new NsqError('E_TLS', `the TLS handshake${whose} failed: ${errorText(cause)}`, { cause })
}
