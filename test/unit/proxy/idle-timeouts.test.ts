import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdleTimeouts } from '../../../src/proxy/idle-timeouts.ts'
import { progressOf } from '../../../src/proxy/session.ts'

const TIMEOUT_MS = 3200
const STEP_MS = TIMEOUT_MS / 32

test('a session that is idle for the timeout ends, two steps later at most, and no other does', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const timeouts = new IdleTimeouts()
  let now = 0
  const pass = (ms: number): void => {
    now += ms
    t.mock.timers.tick(ms)
  }
  const watch = (progressAt: () => number): { endedAt: () => number | null; forget: () => void } => {
    let endedAt: number | null = null
    const watched = {
      get progress() {
        return progressAt()
      },
      expired: () => {
        assert.equal(endedAt, null)
        endedAt = now
      },
    }
    const forget = timeouts.watch(TIMEOUT_MS, watched)
    return { endedAt: () => endedAt, forget }
  }
  const idle = watch(() => 0)
  pass(STEP_MS / 2)
  const [later, busy, forgotten] = [watch(() => 0), watch(() => Math.floor(now / 3000)), watch(() => 0)]
  pass(STEP_MS / 2)
  forgotten.forget()
  while (now < 20_000) pass(STEP_MS / 2)
  for (const [{ endedAt }, since] of [
    [idle, 0],
    [later, STEP_MS / 2],
  ] as const) {
    const idleFor = (endedAt() ?? NaN) - since
    assert.ok(idleFor >= TIMEOUT_MS && idleFor <= TIMEOUT_MS + 2 * STEP_MS, `${idleFor} ms`)
  }
  assert.equal(busy.endedAt(), null)
  assert.equal(forgotten.endedAt(), null)
})

test('a timeout of 0 is none', (t) => {
  t.mock.timers.enable({ apis: ['setInterval'] })
  const forget = new IdleTimeouts().watch(0, { progress: 0, expired: () => assert.fail() })
  t.mock.timers.tick(10_000)
  forget()
})

test('bytes that are read are progress, also while the other side takes none; and bytes that it takes, while none is read', () => {
  const client = { bytesRead: 100, writableLength: 0 }
  const server = { bytesRead: 50, writableLength: 40 }
  const before = progressOf(client, server)
  const afterRead = progressOf({ ...client, bytesRead: 130 }, { ...server, writableLength: 70 })
  const afterTaken = progressOf(client, { ...server, writableLength: 10 })
  assert.ok(afterRead > before)
  assert.ok(afterTaken > before)
  assert.equal(progressOf({ ...client }, { ...server }), before)
})
