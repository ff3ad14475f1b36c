import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Cluster } from '../../src/cluster/cluster.ts'
import { Patience } from '../../src/cluster/patience.ts'
import { HttpRequestError } from '../../src/http/request.ts'
import { NsqError } from '../../src/util/errors.ts'

const TIMEOUT = new HttpRequestError('E_HTTP_TIMEOUT', 'nsqd did not answer within 5000 ms')

test('after a timeout the next looks wait less, but for each tenth', () => {
  const cluster = new Cluster({ lookupds: [], nsqds: ['127.0.0.1:4151'] })
  const patience = new Patience()
  assert.equal(patience.next(cluster), cluster)
  patience.learn([TIMEOUT])
  for (let look = 2; look <= 10; look++) assert.notEqual(patience.next(cluster), cluster)
  assert.notEqual(patience.between(cluster), cluster)
  assert.equal(patience.next(cluster), cluster)
  patience.learn([])
  assert.equal(patience.next(cluster), cluster)
  assert.equal(patience.between(cluster), cluster)
})

test('nothing but a timeout makes it impatient', () => {
  const cluster = new Cluster({ lookupds: [], nsqds: ['127.0.0.1:4151'] })
  const patience = new Patience()
  patience.next(cluster)
  patience.learn([new HttpRequestError('E_HTTP_CONNECT', 'refused'), new Error('timeout'), undefined])
  assert.equal(patience.next(cluster), cluster)
  patience.learn([new NsqError('E_CLUSTER', 'none answered', { cause: TIMEOUT })])
  assert.notEqual(patience.next(cluster), cluster)
})
