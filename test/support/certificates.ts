import { generate } from 'selfsigned'

/** A certificate and its private key, as PEM text. */
export interface Identity {
  cert: string
  key: string
}

export interface Certificates {
  /** Has signed all others but the stranger's. */
  ca: Identity
  /** For `localhost`, 127.0.0.1 and ::1. */
  server: Identity
  /** Named `worker`. */
  client: Identity
  /** A client whose certificate another authority has signed. */
  stranger: Identity
  /** For the same names as `server`, until yesterday. */
  expired: Identity
}

const DAY_MS = 24 * 60 * 60 * 1000
const EC = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const

let made: Promise<Certificates> | undefined

/** Made once in a process. */
export function certificates(): Promise<Certificates> {
  made ??= make()
  return made
}

async function make(): Promise<Certificates> {
  const [ca, other] = await Promise.all([
    authority('nsq-ts test authority'),
    authority('some other authority'),
  ])
  const [server, client, stranger, expired] = await Promise.all([
    signed('localhost', ca, 'server'),
    signed('worker', ca, 'client'),
    signed('stranger', other, 'client'),
    signed('localhost', ca, 'server', Date.now() - DAY_MS),
  ])
  return { ca, server, client, stranger, expired }
}

async function authority(name: string): Promise<Identity> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...EC,
    ...lifetime(),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  })
  return { cert, key }
}

async function signed(
  name: string,
  ca: Identity,
  use: 'server' | 'client',
  until?: number,
): Promise<Identity> {
  const { cert, private: key } = await generate([{ name: 'commonName', value: name }], {
    ...EC,
    ...lifetime(until),
    ca,
    extensions: [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', serverAuth: use === 'server', clientAuth: use === 'client' },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: name },
          { type: 7, ip: '127.0.0.1' },
          { type: 7, ip: '::1' },
        ],
      },
    ],
  })
  return { cert, key }
}

function lifetime(until = Date.now() + DAY_MS): { notBeforeDate: Date; notAfterDate: Date } {
  return { notBeforeDate: new Date(until - 3 * DAY_MS), notAfterDate: new Date(until) }
}
