/** What must be true of the future of every state: it ends well, its waits end by themselves, and its ticks suffice. */
import assert from 'node:assert/strict'
import { ASK_AGAIN_MS, SWITCHOVER_HOLD_MS } from '../../../../src/watcher/primary/decide.ts'
import {
  basisOf,
  type DcsFacts,
  nextTickAt,
  type PrimaryEvent,
  type PrimaryMachine,
} from '../../../../src/watcher/primary/machine.ts'
import { nextPrimary } from '../../../../src/watcher/primary/next-primary.ts'
import type { Visited } from './explore.ts'
import { standing } from './oracle.ts'

/** How far beyond its ticks a state is tried. */
const FAR_MS = 100 * 24 * 3_600_000

/** All of them; `member` is who will be healthy. */
export function checkFuture({ machine, now }: Visited, member: string): void {
  checkTicks(machine, now)
  checkWaitsEnd(machine, now)
  checkOpensAtOnce(machine, member, now)
  checkOpensInTime(machine, member, now)
  checkOpensWhileRewritten(machine, member, now)
}

/** A state changes with time only at the times that it announces. */
function checkTicks(machine: PrimaryMachine, now: number): void {
  const next = nextTickAt(machine, now)
  assert.ok(next === null || next > now, 'a tick in the past')
  const quiet = next === null ? [now + 1, now + 2500, now + FAR_MS] : [now + 1, now + (next - now) / 2, next - 1]
  for (const time of quiet) {
    if (time < now || time === next) continue
    const after = nextPrimary(machine, { type: 'tick' }, time)
    assert.equal(standing(after), standing(machine), `changes ${time - now} ms later, and no tick was announced`)
    assert.equal(after.epoch, machine.epoch)
    assert.equal(nextTickAt(after, time), next, 'another tick is announced when time has passed')
  }
}

/** Whatever waits for a time ends at it, and what follows ends too: by ticks alone. */
function checkWaitsEnd(machine: PrimaryMachine, now: number): void {
  let [state, time] = [machine, now]
  for (let ticks = 0; ; ticks += 1) {
    const next = nextTickAt(state, time)
    if (next === null) break
    assert.ok(ticks < 4, `ticks for ever: ${standing(state)}`)
    const waiting = state.phase.state === 'switching' && state.phase.until !== null
    if (waiting) assert.ok(next - time <= Math.max(ASK_AGAIN_MS, SWITCHOVER_HOLD_MS), 'waits too long')
    state = nextPrimary(state, { type: 'tick' }, next)
    time = next
  }
  assert.ok(state.phase.state !== 'switching' || state.phase.until === null, `waits for ever: ${standing(state)}`)
}

/** With nothing asked of it, a healthy leader is open as soon as it has answered. */
function checkOpensAtOnce(machine: PrimaryMachine, member: string, now: number): void {
  const healthy = healthyAgain(machine, machine.facts, member, now, { failover: null })
  assert.equal(standing(healthy), `open ${member}`, 'a healthy leader is not opened')
}

/** With the `failover` key as it is, a healthy leader is open when the ticks have passed. */
function checkOpensInTime(machine: PrimaryMachine, member: string, now: number): void {
  let state = healthyAgain(machine, machine.facts, member, now, {})
  let time = now + 3
  for (let next = nextTickAt(state, time); next !== null; next = nextTickAt(state, time)) {
    state = nextPrimary(state, { type: 'tick' }, next)
    time = next
  }
  assert.equal(standing(state), `open ${member}`, 'a healthy leader is not opened in time')
}

/** With the `failover` key rewritten over and over, a healthy leader is open after one wait. */
function checkOpensWhileRewritten(machine: PrimaryMachine, member: string, now: number): void {
  let state = healthyAgain(machine, machine.facts, member, now, {})
  let time = now + 3
  for (let count = 0; count < 6; count += 1) {
    time += 500
    const wish = { leader: count % 3 === 0 ? null : member, member: `other ${count}` }
    const failover = { ...wish, scheduledAt: count % 2 === 0 ? null : time }
    state = nextPrimary(state, { type: 'dcs', facts: { ...state.facts, failover }, restored: false }, time)
  }
  assert.equal(standing(state), `open ${member}`, 'rewriting the failover key holds clients back for ever')
}

/** The DCS names `member`, which answers each question that is asked now, and its Postgres takes connections. */
function healthyAgain(
  machine: PrimaryMachine,
  known: DcsFacts,
  member: string,
  now: number,
  change: Partial<DcsFacts>,
): PrimaryMachine {
  const leader = known.leader?.name === member ? known.leader : { name: member, session: 'healthy' }
  const { address = null, timeline = null } = known.members.get(member) ?? {}
  const members = new Map(known.members).set(member, { address: address ?? member, timeline })
  const facts: DcsFacts = { ...known, leader, members, standbyCluster: false, ...change }
  const named = nextPrimary(machine, { type: 'dcs', facts, restored: false }, now + 1)
  const asking = (state: PrimaryMachine, time: number) => ({
    member,
    askedUnder: basisOf(state, member),
    askedAt: time,
  })
  const answer: PrimaryEvent = {
    type: 'rest',
    answer: { kind: 'proof', timeline: 1 },
    position: null,
    ...asking(named, now + 2),
  }
  const proved = nextPrimary(named, answer, now + 2)
  const startup: PrimaryEvent = { type: 'postgres', answer: { kind: 'up' }, ...asking(proved, now + 3) }
  return nextPrimary(proved, startup, now + 3)
}
