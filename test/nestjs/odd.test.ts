/** What handlers, formats and options can do wrong, and what becomes of it. */
/* oxlint-disable typescript/no-unnecessary-type-arguments -- it chooses between the overloads */
import 'reflect-metadata'
import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Catch, Controller, Module, UseFilters } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { EventPattern, MessagePattern, Payload, RpcException } from '@nestjs/microservices'
import { interval, lastValueFrom, NEVER, type Observable, take, tap, throwError, toArray } from 'rxjs'
import { Producer } from '../../src/client/producer/producer.ts'
import { NsqClient, NsqServer, type NsqServerOptions } from '../../src/nestjs/index.ts'
import type { Nsqd } from '../../src/nsqd/daemon.ts'
import type { NsqError } from '../../src/util/errors.ts'
import { Daemons, tcp } from '../client/daemons.ts'
import { until } from '../support/wait.ts'

const INTERNAL = { status: 'error', message: 'Internal server error' }
const seen: string[] = []

@Catch()
class ThrowsNull {
  catch(): Observable<never> {
    return throwError(() => null)
  }
}

@Catch()
class ThrowsRpc {
  catch(): Observable<never> {
    return throwError(() => new RpcException({ code: 'E_STOCK' }))
  }
}

@Catch()
class IsBroken {
  catch(): never {
    throw new Error('a secret of the filter')
  }
}

@Controller()
class OddController {
  @EventPattern<string>('twice')
  first(@Payload() data: string): void {
    seen.push(`first ${data}`)
  }

  // The server's own channel, in so many words.
  @EventPattern<string>('twice', { channel: 'main' })
  second(@Payload() data: string): void {
    seen.push(`second ${data}`)
  }

  @EventPattern<string>('null', { maxAttempts: 1 })
  throwsNull(): void {
    // oxlint-disable-next-line typescript/only-throw-error -- that it is odd is the point
    throw null
  }

  @EventPattern<string>('endless-event')
  endlessEvent(): Observable<never> {
    return NEVER.pipe(tap({ subscribe: () => seen.push('begun'), unsubscribe: () => seen.push('ended') }))
  }

  @MessagePattern('falsy')
  @UseFilters(ThrowsNull)
  falsy(): void {
    throw new Error('x')
  }

  @MessagePattern('rpc')
  @UseFilters(ThrowsRpc)
  rpc(): void {
    throw new Error('x')
  }

  @MessagePattern('broken-filter')
  @UseFilters(IsBroken)
  brokenFilter(): void {
    seen.push('called')
    throw new Error('x')
  }

  @MessagePattern('no-json')
  noJson(): bigint {
    seen.push('called')
    return 5n
  }

  @MessagePattern('too-big')
  tooBig(): string {
    seen.push('called')
    return 'x'.repeat(2 * 1024 * 1024)
  }

  @MessagePattern('endless')
  endless(): Observable<number> {
    return interval(1).pipe(
      tap({ subscribe: () => seen.push('begun'), unsubscribe: () => seen.push('ended') }),
    )
  }
}

@Module({ controllers: [OddController] })
// oxlint-disable-next-line typescript/no-extraneous-class -- as Nest's modules are
class OddModule {}

describe('a Nest application that does odd things', () => {
  const daemons = new Daemons()
  const errors: NsqError[] = []
  let nsqd: Nsqd
  let client: NsqClient
  let close: () => Promise<void>

  before(async () => {
    nsqd = await daemons.nsqd()
    client = new NsqClient({ nsqd: tcp(nsqd) })
    close = await startServer({ nsqd: tcp(nsqd) })
  })
  beforeEach(() => {
    seen.length = 0
    errors.length = 0
  })
  after(async () => {
    await client.close()
    await close()
    await daemons.close()
  })

  async function startServer(options: Partial<NsqServerOptions>): Promise<() => Promise<void>> {
    const all = { channel: 'main', maxBackoffMs: 0, requeueDelayMs: 0, ...options }
    const strategy = new NsqServer({ ...all, onError: error => errors.push(error) })
    const app = await NestFactory.createMicroservice(OddModule, { strategy, logger: false })
    await app.listen()
    return () => app.close()
  }

  const ask = (pattern: string): Promise<unknown> => lastValueFrom(client.send(pattern, 1))

  test('handlers of one channel all get an event, however they name it', async () => {
    client.emit('twice', 'a')
    client.emit('twice', 'b')
    await until(() => seen.length === 4)
    assert.deepEqual(seen.toSorted(), ['first a', 'first b', 'second a', 'second b'])
  })

  test('an event fails by whatever is thrown', async () => {
    client.emit('null', 1)
    await until(() => errors.some(({ code }) => code === 'E_HANDLER'))
  })

  test('a request fails for its client, whatever a filter makes of it', async () => {
    await assert.rejects(ask('falsy'), thrown => {
      assert.deepEqual(thrown, INTERNAL)
      return true
    })
    await assert.rejects(ask('rpc'), thrown => {
      assert.deepEqual(thrown, { code: 'E_STOCK' })
      return true
    })
  })

  for (const pattern of ['broken-filter', 'no-json', 'too-big']) {
    test(`what another attempt would not better fails at once, and the server says why: ${pattern}`, async () => {
      await assert.rejects(ask(pattern), thrown => {
        assert.deepEqual(thrown, INTERNAL)
        return true
      })
      assert.deepEqual(seen, ['called'])
      const [error] = errors
      assert.equal(error?.code, 'E_HANDLER')
      assert.match(error.message, new RegExp(`"${pattern}".*(secret of the filter|BigInt|over the limit)`))
    })
  }

  test('a stream that has no end is left when nsqd is lost, and the request begins anew', async t => {
    const other = await daemons.nsqd()
    const closeServer = await startServer({ nsqd: tcp(other), reconnectDelayMs: 1 })
    t.after(closeServer)
    const asking = new NsqClient({ nsqd: tcp(other) })
    t.after(() => asking.close())
    assert.deepEqual(await lastValueFrom(asking.send('endless', 1).pipe(take(3), toArray())), [0, 1, 2])
    asking.emit('endless-event', 1)
    await until(() => seen.length === 2)
    assert.deepEqual(seen, ['begun', 'begun'])
    await other.close()
    await until(() => seen.length === 4)
    assert.deepEqual(seen.slice(2), ['ended', 'ended'])
  })

  test('a deserializer that takes its time fails a message once, even while it waits for its turn', async t => {
    const other = await daemons.nsqd()
    const closeServer = await startServer({
      nsqd: tcp(other),
      concurrency: 1,
      deserializer: {
        async deserialize(body) {
          await Promise.resolve()
          if (body.toString() === 'bad') throw new TypeError('it is bad')
          return { pattern: 'twice', data: body.toString() }
        },
      },
    })
    t.after(closeServer)
    const producer = new Producer({ nsqd: tcp(other) })
    t.after(() => producer.close())
    await producer.publishBatch(
      'twice',
      ['a', 'bad', 'bad', 'b'].map(text => Buffer.from(text)),
    )
    await until(() => seen.length === 4)
    assert.deepEqual(seen.toSorted(), ['first a', 'first b', 'second a', 'second b'])
    await until(() => errors.filter(({ message }) => message.includes('it is bad')).length >= 2)
  })
})

test('a client whose options cannot be used says so at once', () => {
  for (const requestTimeoutMs of [0, -1, 1.5, Number.NaN, Infinity, 2 ** 31]) {
    assert.throws(() => new NsqClient({ nsqd: 'localhost', requestTimeoutMs }), { code: 'E_OPTION' })
  }
})

test('a client that could not connect is not connected', async t => {
  const client = new NsqClient({ nsqd: '127.0.0.1:1', maxConnectAttempts: 1 })
  t.after(() => client.close())
  await assert.rejects(client.connect(), { code: 'E_CONNECT' })
  assert.throws(() => client.unwrap(), { code: 'E_CLOSED' })
})
