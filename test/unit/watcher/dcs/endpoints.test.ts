/** Which endpoint of etcd is next, and what is made of advertised URLs. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { allEndpoints, endpointsOf, nextEndpoint } from '../../../../src/watcher/dcs/endpoints.ts'
import { Queue } from '../../../../src/watcher/dcs/queue.ts'

test('endpoints are tried in turns, the advertised ones first, each once', () => {
  const endpoints = { seeds: ['s1:2379', 'a:2379'], discovered: ['a:2379', 'b:2379'], current: null }
  assert.deepEqual(allEndpoints(endpoints), ['a:2379', 'b:2379', 's1:2379'])
  const turns: string[] = []
  for (let current: string | null = null; turns.length < 5; turns.push(current))
    current = nextEndpoint({ ...endpoints, current })
  assert.deepEqual(turns, ['a:2379', 'b:2379', 's1:2379', 'a:2379', 'b:2379'])
})

test('after an endpoint that is no longer known comes the first', () => {
  assert.equal(nextEndpoint({ seeds: ['a:1'], discovered: ['b:1'], current: 'gone:1' }), 'b:1')
  assert.throws(() => nextEndpoint({ seeds: [], discovered: [], current: null }), /no endpoint/)
})

test('advertised URLs of another protocol, or none at all, are left out', () => {
  const urls = [
    'http://10.0.0.1:2379',
    'https://10.0.0.1:2379',
    'http://[2001:db8::1]:2379',
    'http://[fe80::1%25eth0]:2379',
    'http://etcd',
    'unix:///run/etcd',
    'x',
    '',
  ]
  assert.deepEqual(endpointsOf(urls, 'http'), ['10.0.0.1:2379', '[2001:db8::1]:2379', '[fe80::1%eth0]:2379', 'etcd:80'])
  assert.deepEqual(endpointsOf(['https://etcd', ...urls], 'https'), ['etcd:443', '10.0.0.1:2379'])
})

test('a queue gives what was pushed before it failed, in order, then its first failure', async () => {
  const queue = new Queue<number>()
  const first = queue.next()
  queue.push(1)
  queue.push(2)
  queue.fail(new Error('first'))
  queue.fail(new Error('second'))
  queue.push(3)
  assert.deepEqual([await first, await queue.next(), await queue.next()], [1, 2, 3])
  await assert.rejects(queue.next(), /first/)
  await assert.rejects(queue.next(), /first/)
})

test('a queue wakes its reader when it fails', async () => {
  const queue = new Queue<number>()
  const next = queue.next()
  queue.fail(new Error('over'))
  await assert.rejects(next, /over/)
})
