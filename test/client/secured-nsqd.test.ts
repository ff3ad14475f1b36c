/** Producer and consumer against our nsqd when that wants TLS, a client certificate and a secret. */
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { inspect } from 'node:util'
import { Consumer, type NsqError, Producer, type TlsOptions } from '../../src/index.ts'
import { type SecuredNsqd, startSecuredNsqd } from '../support/secured-nsqd.ts'
import { until } from '../support/wait.ts'

const clients: (Producer | Consumer)[] = []
let secured: SecuredNsqd
let tls: TlsOptions

before(async () => {
  secured = await startSecuredNsqd()
  const read = (name: string): Promise<Buffer> => readFile(join(secured.folder, name))
  tls = { ca: await read('ca.pem'), cert: await read('client.pem'), key: await read('client.key') }
})
afterEach(() => Promise.all(clients.splice(0).map(client => client.close(0))))
after(() => secured.close())

let topics = 0

interface Both {
  producer: Producer
  consumer: Consumer
  /** What the consumer got. */
  bodies: Buffer[]
  topic: string
}

function createBoth(options: Omit<ConstructorParameters<typeof Producer>[0], 'codec'>): Both {
  const topic = `t${topics++}`
  const bodies: Buffer[] = []
  const quick = { reconnectDelayMs: 5, maxReconnectDelayMs: 50 }
  const producer = new Producer({ ...quick, maxConnectAttempts: 2, ...options })
  const consumer = new Consumer({
    ...quick,
    ...options,
    topic,
    channel: 'c',
    maxInFlight: 100,
    handler: ({ body }) => void bodies.push(body),
  })
  clients.push(producer, consumer)
  return { producer, consumer, bodies, topic }
}

for (const [name, compression] of [
  ['TLS', {}],
  ['TLS and snappy', { snappy: true }],
  ['TLS and deflate', { deflate: 3 }],
] as const) {
  test(`over ${name} and AUTH, messages of every size arrive as they were`, async () => {
    const { address: nsqd, secret: authSecret } = secured
    const { producer, consumer, bodies, topic } = createBoth({ nsqd, tls, authSecret, ...compression })
    const sizes = [1, 2, 63, 4096, 65_535, 65_536, 65_537, 500_000, 1024 * 1024]
    const sent = sizes.map((size, i) => Buffer.alloc(size, i + 1))
    await consumer.start()
    await producer.publish(topic, sent)
    for (let i = 0; i < 500; i++) {
      const body = Buffer.from(String(i))
      sent.push(body)
      void producer.publish(topic, body)
    }
    await until(() => bodies.length === sent.length)
    for (const [i, body] of bodies.entries()) assert.ok(sent[i]?.equals(body), `message ${i}`)
    const channel = secured.nsqd.topics.get(topic)?.channels.get('c')
    await until(() => channel?.depth === 0 && channel.inFlightCount === 0)
  })
}

interface Refused {
  what: string
  /** What is otherwise than it must be; an undefined secret is none. */
  given: { tls?: false; cert?: false; ca?: false; serverName?: string; secret?: string | undefined }
  code: string
  remedy: RegExp
}

const REFUSED: readonly Refused[] = [
  { what: 'without TLS', given: { tls: false }, code: 'E_INVALID', remedy: /tls \(--tls\)/ },
  {
    what: 'without a client certificate',
    given: { cert: false },
    code: 'E_TLS',
    remedy: /--tls-cert, --tls-key/,
  },
  { what: 'without the authority', given: { ca: false }, code: 'E_TLS', remedy: /--tls-ca/ },
  {
    what: 'by another name',
    given: { serverName: 'elsewhere' },
    code: 'E_TLS',
    remedy: /--tls-server-name/,
  },
  {
    what: 'without a secret',
    given: { secret: undefined },
    code: 'E_AUTH_REQUIRED',
    remedy: /NSQ_AUTH_SECRET/,
  },
  {
    what: 'with a wrong secret',
    given: { secret: 'hunter2' },
    code: 'E_UNAUTHORIZED',
    remedy: /NSQ_AUTH_SECRET/,
  },
]

for (const { what, given, code, remedy } of REFUSED) {
  test(`${what} it is ${code}, which says what to do`, async () => {
    const { ca = true, cert = true, serverName } = given
    const options: TlsOptions = {
      ...(ca ? { ca: tls.ca ?? '' } : {}),
      ...(cert ? { cert: tls.cert ?? '', key: tls.key ?? '' } : {}),
      ...(serverName === undefined ? {} : { serverName }),
    }
    const secret = 'secret' in given ? given.secret : secured.secret
    const { producer, consumer, topic } = createBoth({
      nsqd: secured.address,
      tls: given.tls ?? options,
      ...(secret === undefined ? {} : { authSecret: secret }),
    })
    const expected = (error: NsqError): true => {
      assert.equal(error.code, code, error.message)
      assert.match(error.remedy ?? '', remedy)
      assert.ok(!inspect(error, { depth: 10 }).includes(secret ?? secured.secret))
      return true
    }
    await assert.rejects(producer.publish(topic, 'x'), expected)
    await assert.rejects(consumer.start(), expected)
  })
}
