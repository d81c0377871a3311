import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Unread } from '../../../../../src/watcher/dcs/zookeeper-common/unread.ts'

test('a later change that is read before an earlier one is of no moment', () => {
  const unread = new Unread()
  assert.deepEqual([unread.isMoment, unread.isEmpty], [true, true])
  unread.changed('/status')
  assert.equal(unread.isMoment, true)
  unread.changed('/pg0')
  unread.answered('/status', false)
  assert.equal(unread.isMoment, true, 'only what came before')
  assert.deepEqual(unread.nodes, ['/pg0'])
  unread.changed('/status')
  unread.answered('/status', false)
  assert.equal(unread.isMoment, false)
  unread.answered('/pg0', false)
  assert.deepEqual([unread.isMoment, unread.isEmpty], [true, true])
})

test('a node that has gone shows it at once', () => {
  const unread = new Unread()
  unread.changed('/pg0')
  unread.gone('/leader')
  assert.equal(unread.isMoment, false)
  unread.answered('/pg0', false)
  assert.equal(unread.isMoment, true)
  unread.changed('/pg0')
  unread.gone('/pg0')
  assert.deepEqual([unread.isMoment, unread.isEmpty], [true, true])
})

test('a node whose watch has reported one change may show more of them', () => {
  const unread = new Unread()
  unread.changed('/status')
  unread.changed('/pg0')
  unread.answered('/status', true)
  assert.equal(unread.isMoment, false)
  unread.answered('/pg0', true)
  assert.equal(unread.isMoment, true)
  unread.changed('/pg0')
  assert.equal(unread.isMoment, true, 'that came after the answers')
})
