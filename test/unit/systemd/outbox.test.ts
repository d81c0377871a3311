import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Phase } from '../../../src/systemd/message.ts'
import { EMPTY, putBack, take, withPhase } from '../../../src/systemd/outbox.ts'

const READY: Phase = { type: 'ready' }
const STOPPING: Phase = { type: 'stopping', drainMs: 0 }
const reloading = (at: number): Phase => ({ type: 'reloading', sinceUsec: BigInt(at) })
const outbox = (...phases: readonly Phase[]) => phases.reduce(withPhase, EMPTY)

test('a reload and a stop replace the phases that they make obsolete', () => {
  const cases: readonly (readonly [readonly Phase[], readonly Phase[]])[] = [
    [[READY], [READY]],
    [[READY, READY], [READY]],
    [[READY, reloading(1)], [reloading(1)]],
    [
      [reloading(1), READY],
      [reloading(1), READY],
    ],
    [
      [reloading(1), READY, reloading(2), READY, reloading(3), READY],
      [reloading(3), READY],
    ],
    [[reloading(1), READY, STOPPING], [STOPPING]],
    [[STOPPING, READY, reloading(1)], [STOPPING]],
  ]
  for (const [added, kept] of cases) assert.deepEqual(outbox(...added).phases, kept)
})

test('each phase is a message of its own, the first with the status and the sign of life', () => {
  const first = take({ ...outbox(reloading(1), READY), status: 'it serves', ping: true })
  assert.deepEqual(first?.message, { phase: reloading(1), status: 'it serves', ping: true })
  const second = take(first.rest)
  assert.deepEqual(second?.message, { phase: READY, status: null, ping: false })
  assert.equal(take(second.rest), null)
})

test('a message that did not reach systemd is sent again, unless it is obsolete', () => {
  const sent = { phase: READY, status: 'old', ping: true }
  assert.deepEqual(putBack(EMPTY, sent), { phases: [READY], status: 'old', ping: true })
  assert.deepEqual(putBack({ ...EMPTY, status: 'new' }, sent).status, 'new')
  assert.deepEqual(putBack(outbox(reloading(2), READY), sent).phases, [reloading(2), READY])
  assert.deepEqual(putBack(outbox(READY), { ...sent, phase: reloading(1) }).phases, [reloading(1), READY])
  assert.deepEqual(putBack(outbox(STOPPING), sent).phases, [STOPPING])
  assert.deepEqual(putBack(outbox(READY), { ...sent, phase: null }).phases, [READY])
})
