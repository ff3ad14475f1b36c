import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { Nsqd } from '../../src/nsqd/daemon.ts'
import { resolveNsqdOptions } from '../../src/nsqd/options.ts'
import { fin, mpub } from '../../src/protocol/command.ts'
import { Logger, LogLevel } from '../../src/util/logger.ts'
import type { NsqError } from '../../src/util/errors.ts'
import { replaceFs, systemError } from '../storage/fixtures.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { until } from '../support/wait.ts'
import { Running, start } from './running.ts'

describe('start', () => {
  test('is refused on a data path that another nsqd uses', async t => {
    const running = await start(t)
    const second = new Running(running.dataPath, {})
    await assert.rejects(second.start(), { code: 'E_DATA_PATH_LOCKED' })
    await running.publish('still there')
    await running.stop()
    await second.start()
    assert.equal(second.topic().depth, 1)
    await second.stop()
  })

  test('is refused on a data path that cannot be written to', async () => {
    const file = join(temporaryFolder(), 'file')
    writeFileSync(file, '')
    for (const path of [file, join(file, 'below'), '/proc/nsqd']) {
      await assert.rejects(new Running(path, {}).start(), { code: 'E_DATA_PATH' }, path)
    }
  })

  test('is refused when a port is in use, and the data path is free again', async t => {
    const server = createServer()
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close())
    const address = server.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const folder = temporaryFolder()
    for (const given of [{ tcpAddress: `127.0.0.1:${port}` }, { httpAddress: `127.0.0.1:${port}` }]) {
      await assert.rejects(new Running(folder, given).start(), { code: 'E_LISTEN_IN_USE' })
    }
    const running = new Running(folder, {})
    await running.start()
    await running.stop()
    assert.equal(readdirSync(folder).includes('nsqd.lock'), false)
  })

  test('says what kept it from starting, though it cannot save its state then, either', async t => {
    const running = await start(t)
    await running.publish('a')
    const { port } = running.nsqd.tcpAddress
    const other = await start(t)
    await other.publish('b')
    await other.stop()
    const restore = replaceFs(t, 'rename', () => (_from: string, _to: string, done: (e: Error) => void) => {
      done(systemError('EIO'))
    })
    const second = new Running(other.dataPath, { tcpAddress: `127.0.0.1:${port}` })
    await assert.rejects(second.start(), { code: 'E_LISTEN_IN_USE' })
    assert.match(second.log.join(''), /topic t: cannot save its state/)
    restore()
    await other.restart()
    assert.equal(other.topic().depth, 1)
  })

  test('names a topic that cannot be opened, and what to do, and loses nothing by it', async t => {
    const running = await start(t)
    await running.publish('a')
    await running.stop()
    const restore = replaceFs(t, 'readFileSync', original => (path: unknown, ...rest: never[]) => {
      if (String(path).endsWith('checkpoint')) throw systemError('EIO')
      return Reflect.apply(original, undefined, [path, ...rest])
    })
    await assert.rejects(
      running.restart(),
      ({ code, message, remedy }: NsqError) =>
        code === 'E_DATA_PATH' &&
        /cannot open topic t: EIO/.test(message) &&
        /works and has room/.test(remedy ?? ''),
    )
    restore()
    await running.restart()
    assert.equal(running.topic().depth, 1)
  })

  test('warns of queues of the official nsqd, which are not read', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 't.diskqueue.meta.dat'), '')
    const running = new Running(folder, {})
    await running.start()
    await running.stop()
    assert.match(running.log.join(''), /WARNING: .* 1 queues of the official nsqd/)
  })

  test('finds topics by their folders, when nsqd.dat is lost', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    await running.publish('a')
    await running.nsqd.publish('Other', [Buffer.from('b')], 0)
    await running.stop()
    rmSync(join(running.dataPath, 'nsqd.dat'))
    mkdirSync(join(running.dataPath, 'not a topic'))
    await running.restart()
    assert.deepEqual([...running.nsqd.topics.keys()].sort(), ['Other', 't'])
    assert.deepEqual([running.channel().depth, running.topic('Other').depth], [1, 1])
  })

  test('gives ids that were never given before, even when the data was wiped', async t => {
    const running = await start(t)
    const ids = new Set<string>()
    for (let i = 0; i < 3; i++) {
      const consumer = await running.subscribe(100)
      await running.publish('a', 'b', 'c')
      for (const { id } of await consumer.messages(3)) {
        ids.add(id)
        consumer.send(fin(id))
      }
      await consumer.settled()
      await running.stop()
      for (const name of readdirSync(running.dataPath))
        rmSync(join(running.dataPath, name), { recursive: true })
      // Segment numbers follow the clock's seconds.
      await new Promise(resolve => setTimeout(resolve, 1001))
      await running.restart()
    }
    assert.equal(ids.size, 9)
  })
})

describe('close', () => {
  test('ends connections, refuses what comes, and may be called twice', async t => {
    const running = await start(t)
    const client = await running.connect()
    const closing = running.nsqd.close()
    await assert.rejects(running.publish('a'), { code: 'E_EXITING' })
    await running.nsqd.close()
    await closing
    await client.closed()
  })

  test('keeps what was acknowledged up to the last moment', async t => {
    const running = await start(t, { maxBytesPerFile: 5000 })
    running.nsqd.topic('t').channel('c')
    let acknowledged = 0
    for (let round = 0; round < 5; round++) {
      const clients = [await running.connect(), await running.connect()]
      for (const client of clients) {
        for (let i = 0; i < 50; i++) client.send(mpub('t', ['a', 'b', 'c']))
      }
      const counting = clients.map(async client => {
        for (;;) {
          const reply = await client.reply().catch(() => '')
          if (reply !== 'OK') return
          acknowledged += 3
        }
      })
      await until(() => running.topic().messageCount > 0)
      await running.nsqd.close()
      await Promise.all(counting)
      await running.restart()
      assert.ok(running.channel().depth >= acknowledged, `${running.channel().depth} of ${acknowledged}`)
    }
  })

  test('says which topic could not be saved', async () => {
    const folder = temporaryFolder()
    const lines: string[] = []
    const options = resolveNsqdOptions({
      tcpAddress: '127.0.0.1:0',
      httpAddress: '127.0.0.1:0',
      dataPath: folder,
    })
    const logger = new Logger({ prefix: '', level: LogLevel.info, write: line => void lines.push(line) })
    const nsqd = new Nsqd(options, logger)
    await nsqd.start()
    await nsqd.publish('t', [Buffer.from('a')], 0)
    rmSync(join(folder, 't.topic'), { recursive: true })
    await assert.rejects(nsqd.close(), { code: 'E_SHUTDOWN' })
    assert.match(lines.join(''), /ERROR: topic t: cannot save its state/)
  })
})

describe('idle topics', () => {
  test('give their memory and descriptors back, and go on when needed', async t => {
    const running = await start(t)
    running.nsqd.topic('t').channel('c')
    await running.publish('a', 'b')
    // Some seconds later.
    await until(() => running.topic().log.memoryOrdinal === 2)
    const consumer = await running.subscribe(10)
    await running.publish('c')
    assert.deepEqual(
      (await consumer.messages(3)).map(({ body }) => body),
      ['a', 'b', 'c'],
    )
  })
})
