import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createHttpServer } from '../../src/http/server.ts'
import { requestJson } from '../../src/http/request.ts'
import { closeServer, listenTcp } from '../../src/net/listen.ts'
import { peekRoute } from '../../src/nsqd/http-peek.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import { until } from '../support/wait.ts'

test('a few peeks at a time; the others wait', async t => {
  let now = 0
  let most = 0
  const waiting: (() => void)[] = []
  const peek = async (): Promise<never[]> => {
    most = Math.max(most, ++now)
    await new Promise<void>(resolve => waiting.push(resolve))
    now--
    return []
  }
  const server = createHttpServer({
    routes: [peekRoute({ peek })],
    logger: new Logger({ prefix: '', level: LogLevel.fatal }),
  })
  let arrived = 0
  server.on('request', () => arrived++)
  const { port } = await listenTcp(server, { host: '127.0.0.1', port: 0 })
  t.after(() => closeServer(server, new Set()))
  const url = `http://127.0.0.1:${port}/peek?topic=t`
  const replies = Array.from({ length: 6 }, () => requestJson('GET', url, { fresh: true }))
  await until(() => arrived === replies.length && waiting.length === 2)
  for (const _ of replies) {
    await until(() => waiting.length > 0)
    waiting.shift()?.()
  }
  await Promise.all(replies)
  assert.equal(most, 2)
})
