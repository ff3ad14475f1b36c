/**
 * Clients of nsqd's own port that mean no good: nsqd goes on serving the others, in bounded memory.
 *
 *     CONNECTIONS=10000 node --import tsx --test test/faults/hostile-clients.test.ts
 */
import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { identify, MAGIC_V2, nop, pub, rdy, sub } from '../../src/protocol/command.ts'
import { RawClient } from '../nsqd/raw-client.ts'
import { Spawned } from '../support/spawned.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { pause, until } from '../support/wait.ts'
import { closed, MiB, pour, Victim } from './victim.ts'

const CONNECTIONS = Number(process.env['CONNECTIONS'] ?? 500)
/** Of memory that comes and goes in any nsqd at work: young objects, the log's blocks, buffers of the kernel's words. */
const SLACK = 100 * MiB

const nsqd = new Spawned('nsqd', [`--data-path=${temporaryFolder()}`])
const victim = new Victim(nsqd)

before(async () => {
  await nsqd.start()
  await victim.serves()
})
after(() => nsqd.kill())

/** Opens so many connections, a few at a time. */
async function crowd(count: number, first: Buffer): Promise<void> {
  for (let made = 0; made < count; made += 100) {
    await Promise.all(Array.from({ length: Math.min(100, count - made) }, () => victim.connect(first)))
  }
  while ((await victim.connections()) < count) await pause(5)
}

describe('many connections', () => {
  test('idle ones take a few KiB each, and all is given back', async t => {
    const memory = victim.memory
    const { descriptors } = victim
    await crowd(CONNECTIONS, Buffer.concat([MAGIC_V2, identify({ client_id: 'idle' })]))
    const each = (victim.memory - memory) / CONNECTIONS
    t.diagnostic(`${CONNECTIONS} idle connections: ${Math.round(each / 1024)} KiB each`)
    assert.ok(each * CONNECTIONS < SLACK + CONNECTIONS * 32 * 1024, `${each} bytes each`)
    await victim.serves()
    await victim.leave()
    assert.ok(victim.descriptors <= descriptors + 10)
  })

  test('that announce the largest body and send a byte of it do not take its room', async t => {
    const count = Math.ceil(CONNECTIONS / 2)
    const memory = victim.memory
    const line = Buffer.from('MPUB t\n\0\x50\0\0x', 'latin1')
    await crowd(count, Buffer.concat([MAGIC_V2, line]))
    t.diagnostic(`${count} announced bodies of 5 MiB: ${Math.round((victim.memory - memory) / MiB)} MiB`)
    assert.ok(victim.memory - memory < SLACK + count * 64 * 1024)
    await victim.serves()
    await victim.leave()
  })
})

describe('a client that does not read', () => {
  test('as a consumer is sent a bounded part of what waits, and others get the rest', async t => {
    const messages = 32
    const body = Buffer.alloc(MiB - 100, 'm')
    const count = Math.ceil(CONNECTIONS / 50)
    const producer = new RawClient(nsqd.tcp)
    assert.equal(await producer.ask(sub('unread', 'good')), 'OK')
    await crowd(count, Buffer.concat([MAGIC_V2, sub('unread', 'bad'), rdy(2500)]))
    const memory = victim.memory
    let got = 0
    for (let i = 0; i < messages; i++) {
      producer.send(rdy(1), pub('unread', body))
      await producer.reply()
      const { id } = await producer.message()
      producer.send(Buffer.from(`FIN ${id}\n`))
      got++
    }
    t.diagnostic(`${count} consumers that read nothing: ${Math.round((victim.memory - memory) / MiB)} MiB`)
    assert.equal(got, messages)
    // Each has at most a message more than what may be unsent, and all together no more than there is.
    assert.ok(victim.memory - memory < SLACK + 2 * messages * MiB)
    producer.destroy()
    await victim.serves()
    await victim.leave()
  })

  test('as a producer is read no further when its replies pile up', async t => {
    const memory = victim.memory
    const socket = await victim.connect()
    const taken = await pour(
      socket,
      Buffer.concat(Array(5000).fill(pub('flood', Buffer.from('x')))),
      400 * MiB,
    )
    t.diagnostic(`${Math.round(taken / MiB)} MiB of publishes taken from one that reads no reply`)
    assert.ok(taken < 100 * MiB, `${taken} bytes were taken`)
    assert.ok(victim.memory - memory < SLACK)
    await victim.serves()
    await victim.leave()
  })

  test('as one that only asks for errors is read no further', async () => {
    const memory = victim.memory
    const socket = await victim.connect(Buffer.concat([MAGIC_V2, sub('unread', 'errors')]))
    const taken = await pour(socket, Buffer.from(`FIN ${'f'.repeat(16)}\n`.repeat(5000)), 200 * MiB)
    assert.ok(taken < 50 * MiB, `${taken} bytes were taken`)
    assert.ok(victim.memory - memory < SLACK)
    await victim.serves()
    await victim.leave()
  })
})

describe('a flood', () => {
  test("of FIN, REQ and TOUCH of nobody's messages is answered one by one", async () => {
    const client = new RawClient(nsqd.tcp)
    assert.equal(await client.ask(sub('flooded', 'c')), 'OK')
    const id = 'e'.repeat(16)
    const times = 1000
    client.send(Buffer.from(`FIN ${id}\nREQ ${id} 0\nTOUCH ${id}\n`.repeat(times)))
    for (let i = 0; i < times; i++) {
      for (const command of ['FIN', 'REQ', 'TOUCH']) {
        assert.equal(await client.reply(), `E_${command}_FAILED ${command} ${id} failed ID not in flight`)
      }
    }
    client.destroy()
    await victim.serves()
  })

  test('of RDYs and NOPs changes nothing, and an RDY beyond the limit ends the connection', async () => {
    const client = new RawClient(nsqd.tcp)
    assert.equal(await client.ask(sub('flooded', 'c')), 'OK')
    client.send(Buffer.concat(Array(5000).fill(Buffer.concat([rdy(2500), nop(), rdy(0)]))))
    await client.settled()
    assert.match(
      await client.ask(Buffer.from(`RDY 9${'9'.repeat(40)}\n`)),
      /^E_INVALID RDY count \d+ out of range/,
    )
    await client.closed()
    await victim.serves()
  })

  test('of commands that are none ends with the first', async () => {
    const socket = await victim.connect(Buffer.concat([MAGIC_V2, Buffer.alloc(10 * MiB, 'A')]))
    await closed(socket)
    await victim.serves()
  })

  test('of connections that come and go leaves nothing', async () => {
    const { descriptors } = victim
    for (let round = 0; round < 10; round++) {
      const sockets = await Promise.all(Array.from({ length: 50 }, () => victim.connect('  V')))
      for (const socket of sockets) socket.resetAndDestroy()
    }
    await victim.leave()
    await until(() => victim.descriptors <= descriptors + 10)
    await victim.serves()
  })
})
