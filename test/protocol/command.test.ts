import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as command from '../../src/protocol/command.ts'
import { latin1 } from './splits.ts'

const ID = '0123456789abcdef'

test('commands, byte for byte', () => {
  assert.deepEqual(command.MAGIC_V2, latin1('  V2'))
  assert.deepEqual(command.identify({ client_id: 'c' }), latin1('IDENTIFY\n\0\0\0\x11{"client_id":"c"}'))
  assert.deepEqual(command.auth('secret'), latin1('AUTH\n\0\0\0\x06secret'))
  assert.deepEqual(command.pub('t', 'hi'), latin1('PUB t\n\0\0\0\x02hi'))
  assert.deepEqual(
    command.mpub('t', ['a', Buffer.from('bb')]),
    latin1('MPUB t\n\0\0\0\x0f\0\0\0\x02\0\0\0\x01a\0\0\0\x02bb'),
  )
  assert.deepEqual(command.dpub('t', 400, Buffer.from('hi')), latin1('DPUB t 400\n\0\0\0\x02hi'))
  assert.deepEqual(command.sub('t', 'c'), latin1('SUB t c\n'))
  assert.deepEqual(command.rdy(5), latin1('RDY 5\n'))
  assert.deepEqual(command.fin(ID), latin1(`FIN ${ID}\n`))
  assert.deepEqual(command.req(ID, 0), latin1(`REQ ${ID} 0\n`))
  assert.deepEqual(command.touch(ID), latin1(`TOUCH ${ID}\n`))
  assert.deepEqual(command.cls(), latin1('CLS\n'))
  assert.deepEqual(command.nop(), latin1('NOP\n'))
})

test('sizes are bytes, not characters', () => {
  assert.deepEqual(
    command.pub('t', 'é'),
    Buffer.concat([latin1('PUB t\n\0\0\0\x02'), Buffer.from('é', 'utf8')]),
  )
  assert.deepEqual(
    command.mpub('t', ['é']),
    Buffer.concat([latin1('MPUB t\n\0\0\0\x0a\0\0\0\x01\0\0\0\x02'), Buffer.from('é', 'utf8')]),
  )
})
