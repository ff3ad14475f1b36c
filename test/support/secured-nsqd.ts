import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import { type NsqdOptions, resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { certificates } from './certificates.ts'

/** An nsqd that wants TLS, a client certificate and a secret, with what is needed to get in. */
export interface SecuredNsqd {
  readonly nsqd: Nsqd
  /** `localhost:port`, a name that its certificate is for. */
  readonly address: string
  readonly secret: string
  /** Has `ca.pem`, `client.pem` and `client.key`, and `server.pem` and `server.key`. */
  readonly folder: string
  close(): Promise<void>
}

const SECRET = 'open sesame, said the test'

export async function startSecuredNsqd(options: Partial<NsqdOptions> = {}): Promise<SecuredNsqd> {
  const folder = await mkdtemp(join(tmpdir(), 'nsq-ts-secured-'))
  const { ca, server, client } = await certificates()
  const files = {
    'ca.pem': ca.cert,
    'client.pem': client.cert,
    'client.key': client.key,
    'server.pem': server.cert,
    'server.key': server.key,
  }
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  await mkdir(join(folder, 'data'))
  const authorization = await startAuthorization()
  const nsqd = new Nsqd(
    resolveNsqdOptions({
      tcpAddress: '127.0.0.1:0',
      httpAddress: '127.0.0.1:0',
      httpsAddress: '127.0.0.1:0',
      dataPath: join(folder, 'data'),
      shutdownTimeout: 0,
      tlsCert: join(folder, 'server.pem'),
      tlsKey: join(folder, 'server.key'),
      tlsRootCaFile: join(folder, 'ca.pem'),
      tlsClientAuthPolicy: 'require-verify',
      authHttpAddress: [authorization.address],
      ...options,
    }),
    new Logger({ prefix: '', level: LogLevel.fatal, write: () => {} }),
  )
  await nsqd.start()
  return {
    nsqd,
    address: `localhost:${nsqd.tcpAddress.port}`,
    secret: SECRET,
    folder,
    close: async () => {
      await nsqd.close()
      authorization.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Allows everything to whoever knows the secret, and nothing to others. */
async function startAuthorization(): Promise<{ address: string; close(): void }> {
  const server = createServer((request, response) => {
    const isKnown = new URL(request.url ?? '', 'http://localhost').searchParams.get('secret') === SECRET
    const all = { topic: '.*', channels: ['.*'], permissions: ['subscribe', 'publish'] }
    const answer = { ttl: 3600, identity: 'test', identity_url: '', authorizations: isKnown ? [all] : [] }
    response.end(JSON.stringify(answer))
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('it does not listen on a port')
  return {
    address: `127.0.0.1:${address.port}`,
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
