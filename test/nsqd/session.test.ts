import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cls, dpub, fin, identify, mpub, nop, pub, rdy, req, sub, touch } from '../../src/protocol/command.ts'
import { replaceFs, systemError } from '../storage/fixtures.ts'
import { pause, until } from '../support/wait.ts'
import { start } from './running.ts'

describe('publishing', () => {
  test('every kind is acknowledged when it is on its way', async t => {
    const running = await start(t)
    const client = await running.connect()
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
    assert.equal(await client.ask(mpub('t', ['b', 'c'])), 'OK')
    assert.equal(await client.ask(dpub('t', 1, 'd')), 'OK')
    assert.equal(running.topic().depth, 4)
    assert.deepEqual([...([...running.nsqd.sessions][0]?.pubCounts ?? [])], [['t', 4]])
  })

  test('replies keep the order of the commands, whatever they are', async t => {
    const running = await start(t)
    const client = await running.connect()
    const id = '0'.repeat(16)
    client.send(
      identify({ client_id: 'me' }),
      pub('t', 'a'),
      sub('t', 'c'),
      pub('u', 'b'),
      fin(id),
      pub('t', 'c'),
      pub('v', 'd'),
      req(id, 1),
      cls(),
      pub('t', 'e'),
      touch(id),
    )
    const replies: string[] = []
    for (let i = 0; i < 11; i++) replies.push((await client.reply()).split(' ', 1)[0] ?? '')
    assert.deepEqual(replies, [
      'OK',
      'OK',
      'OK',
      'OK',
      'E_FIN_FAILED',
      'OK',
      'OK',
      'E_REQ_FAILED',
      'CLOSE_WAIT',
      'OK',
      'E_TOUCH_FAILED',
    ])
  })

  test('what is refused is a few lines in the log, however many clients come with it', async t => {
    const running = await start(t, { maxTopics: 1 })
    const client = await running.connect()
    assert.equal(await client.ask(pub('t', 'a')), 'OK')
    for (let i = 0; i < 50; i++) {
      const refused = await running.connect()
      assert.match(await refused.ask(pub('u', 'b')), /^E_PUB_FAILED/)
      await refused.closed()
    }
    const lines = running.log.filter(line => / (WARNING|ERROR): /.test(line))
    assert.equal(lines.filter(line => line.includes('E_PUB_FAILED')).length, 11)
  })

  test('an error ends the connection behind the replies that are due', async t => {
    const running = await start(t)
    const client = await running.connect()
    client.send(pub('t', 'a'), pub('t', 'b'), Buffer.from('NONSENSE\n'), pub('t', 'never'))
    const replies = [await client.reply(), await client.reply(), await client.reply()]
    assert.deepEqual(replies, ['OK', 'OK', 'E_INVALID invalid command NONSENSE'])
    await client.closed()
    assert.equal(running.topic().messageCount, 2)
    // The client's end may see the close before nsqd's end does.
    await until(() => running.nsqd.sessions.size === 0)
  })

  test('sizes up to the limits are taken, and none above', async t => {
    const running = await start(t, { maxMsgSize: 1000, maxBodySize: 5000 })
    const consumer = await running.subscribe(10)
    const exact = 'x'.repeat(1000)
    const client = await running.connect()
    assert.equal(await client.ask(pub('t', exact)), 'OK')
    // Four bytes of count, four for each size.
    const batch = [exact, exact, exact, exact, 'y'.repeat(976)]
    assert.equal(await client.ask(mpub('t', batch)), 'OK')
    assert.deepEqual(
      (await consumer.messages(6)).map(({ body }) => body.length),
      [1000, 1000, 1000, 1000, 1000, 976],
    )
    for (const [command, error] of [
      [pub('t', `${exact}x`), 'E_BAD_MESSAGE PUB message too big 1001 > 1000'],
      [dpub('t', 5, `${exact}x`), 'E_BAD_MESSAGE DPUB message too big 1001 > 1000'],
      [mpub('t', [`${exact}x`]), 'E_BAD_MESSAGE MPUB message too big 1001 > 1000'],
      [mpub('t', [...batch.slice(0, 4), 'y'.repeat(977)]), 'E_BAD_BODY MPUB body too big 5001 > 5000'],
    ] as const) {
      const refused = await running.connect()
      assert.equal(await refused.ask(command), error)
      await refused.closed()
    }
    assert.equal(running.topic().messageCount, 6)
  })

  test('a client that has sent all it had still gets its replies', async t => {
    const running = await start(t)
    for (const last of [pub('t', 'b'), Buffer.from('NONSENSE\n')]) {
      const client = await running.connect()
      client.socket.end(Buffer.concat([pub('t', 'a'), sub('t', 'c'), last]))
      const replies = [await client.reply(), await client.reply(), await client.reply()]
      assert.deepEqual(replies.slice(0, 2), ['OK', 'OK'])
      await client.closed()
    }
    await until(() => running.nsqd.sessions.size === 0)
    assert.equal(running.channel().sessions.size, 0)
  })

  test('a deferral longer than allowed is refused', async t => {
    const running = await start(t, { maxReqTimeout: 1000 })
    const client = await running.connect()
    assert.equal(await client.ask(dpub('t', 1000, 'a')), 'OK')
    assert.equal(await client.ask(dpub('t', 1001, 'a')), 'E_INVALID DPUB timeout 1001 out of range 0-1000')
    await client.closed()
  })

  test('a producer that does not read its replies is not read either', async t => {
    const running = await start(t)
    const client = await running.connect()
    client.socket.pause()
    const commands = Buffer.concat(Array.from({ length: 2000 }, () => pub('t', 'x')))
    // 20,000 bytes of replies to each write.
    let isFull = false
    for (let i = 0; i < 2000 && !isFull; i++) {
      isFull = !client.socket.write(commands)
      for (let waits = 0; isFull && waits < 200; waits++) {
        await pause(1)
        isFull = client.socket.writableNeedDrain
      }
    }
    assert.ok(isFull, 'everything was read')
    const { messageCount } = running.topic()
    await pause(50)
    assert.equal(running.topic().messageCount, messageCount)
    client.socket.resume()
    assert.equal(await client.reply(), 'OK')
    await until(() => !client.socket.writableNeedDrain)
  })

  test('an unexpected error ends the connection and is logged', async t => {
    const running = await start(t)
    const client = await running.connect()
    replaceFs(t, 'mkdirSync', () => () => {
      throw systemError('ENOSPC')
    })
    assert.match(await client.ask(pub('t', 'a')), /^E_PUB_FAILED /)
    await client.closed()
    assert.match(running.log.join(''), /ENOSPC/)
    assert.equal(running.nsqd.topics.size, 0)
  })
})

describe('subscribing', () => {
  test('is possible once, and not without heartbeats', async t => {
    const running = await start(t)
    const client = await running.subscribe()
    assert.equal(await client.ask(sub('t', 'c')), 'E_INVALID cannot SUB in current state')
    await client.closed()
    const silent = await running.connect({ heartbeat_interval: -1 })
    assert.equal(await silent.ask(sub('t', 'c')), 'E_INVALID cannot SUB with heartbeats disabled')
  })

  test('is limited by --max-channel-consumers', async t => {
    const running = await start(t, { maxChannelConsumers: 2 })
    const first = await running.subscribe()
    await running.subscribe()
    const third = await running.connect()
    assert.equal(
      await third.ask(sub('t', 'c')),
      'E_SUB_FAILED SUB failed consumers for t:c exceeds limit of 2',
    )
    await third.closed()
    await running.subscribe(0, { channel: 'other' })
    first.destroy()
    await until(() => running.channel().sessions.size === 1)
    await running.subscribe()
  })

  test('comes before RDY, FIN, REQ, TOUCH and CLS', async t => {
    const running = await start(t)
    const id = '0'.repeat(16)
    for (const command of [rdy(1), fin(id), req(id, 0), touch(id), cls()]) {
      const client = await running.connect()
      const [name] = command.toString().trim().split(' ')
      assert.equal(await client.ask(command), `E_INVALID cannot ${name} in current state`)
      await client.closed()
    }
  })

  test('RDY is limited', async t => {
    const running = await start(t, { maxRdyCount: 10 })
    const client = await running.subscribe(10)
    assert.equal(await client.ask(rdy(11)), 'E_INVALID RDY count 11 out of range 0-10')
    await client.closed()
  })

  test('messages of a connection that ends with an error go back', async t => {
    const running = await start(t)
    const client = await running.subscribe(5)
    await running.publish('a', 'b')
    await client.messages(2)
    assert.match(await client.ask(Buffer.from('NONSENSE\n')), /^E_INVALID/)
    await until(() => running.channel().depth === 2)
    assert.deepEqual([running.channel().inFlightCount, running.channel().sessions.size], [0, 0])
  })
})

describe('heartbeats', () => {
  test('keep a connection, and end one that does not answer', async t => {
    const running = await start(t)
    const [alive, dead] = [
      await running.connect({ heartbeat_interval: 1000 }),
      await running.connect({ heartbeat_interval: 1000 }),
    ]
    dead.answersHeartbeats = false
    await until(() => dead.isClosed)
    assert.ok(dead.heartbeats >= 1 && dead.heartbeats <= 3, `${dead.heartbeats}`)
    assert.equal(alive.isClosed, false)
    assert.ok(alive.heartbeats >= dead.heartbeats)
    assert.match(running.log.join(''), /heartbeat not answered/)
    alive.send(nop())
    assert.equal(await alive.ask(pub('t', 'a')), 'OK')
  })
})

test('commands may come byte by byte', async t => {
  const running = await start(t)
  const client = await running.connect()
  const all = Buffer.concat([sub('t', 'c'), rdy(1), pub('t', 'hello')])
  for (const byte of all) {
    client.socket.write(Buffer.from([byte]))
    await new Promise(resolve => setImmediate(resolve))
  }
  assert.deepEqual([await client.reply(), await client.reply()], ['OK', 'OK'])
  const { id, body } = await client.message()
  assert.equal(body, 'hello')
  for (const byte of fin(id)) {
    client.socket.write(Buffer.from([byte]))
    await new Promise(resolve => setImmediate(resolve))
  }
  await client.settled()
  assert.equal(running.channel().inFlightCount, 0)
})
