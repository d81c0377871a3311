import type { Acts } from '../../../../src/admin/acts.ts'
import type { Command, CommandSession } from '../../../../src/admin/command.ts'
import type { RouterStatus } from '../../../../src/admin/status.ts'
import { RouterError } from '../../../../src/errors.ts'
import type { Override } from '../../../../src/override.ts'
import type { SessionStatus } from '../../../../src/proxy/status.ts'
import { type ListenerTraffic, NO_TRAFFIC } from '../../../../src/proxy/traffic.ts'
import { type LastCheck, NO_WATCHER_COUNTS } from '../../../../src/watcher/counts.ts'
import { NOW, sampleListener, sampleMember, sampleProxy, sampleStatus, sampleView } from '../sample.ts'

const LEADS = { fit: false, checked: true, down: false, reason: 'the leader', cause: 'leads' } as const

export const CHECKS: Readonly<Record<string, LastCheck>> = {
  pg1: { at: NOW - 500, tookMs: 1.5, outcome: 'passed', httpStatus: 200, reason: '' },
  pg2: { at: NOW - 500, tookMs: 2, outcome: 'passed', httpStatus: 200, reason: '' },
  pg3: { at: NOW - 500, tookMs: 0.2, outcome: 'refused', httpStatus: null, reason: 'connect ECONNREFUSED' },
}

/** What `primary` has carried: all of it by pg1. */
const TRAFFIC: ListenerTraffic = {
  ...NO_TRAFFIC,
  ...{ sessions: 12, maxSessions: 20, totalSessions: 100, bytesIn: 1000, bytesOut: 5000, rate: 3, maxRate: 9 },
  ...{ lastSessionAt: NOW - 2500, averageHeldMs: 0.25, averageConnectMs: 1.5, averageSessionMs: 250 },
  ...{ acceptRate: 5, maxAcceptRate: 11 },
  maxHeld: 7,
}

export const PRIMARY_TRAFFIC: ListenerTraffic = {
  ...TRAFFIC,
  members: [{ ...TRAFFIC, member: 'pg1', failedDials: 4, closedByRouter: 2 }],
}

/** Three members: a primary, a replica, and one that is down. `overrides`: by member. */
export function haproxyStatus(
  overrides: Readonly<Record<string, Override['state']>> = {},
  checks = CHECKS,
): RouterStatus {
  const override = (name: string): { readonly override?: Override } => {
    const state = overrides[name]
    return state === undefined ? {} : { override: { state, by: 'alice', since: NOW - 60_000, until: null } }
  }
  const fit = (name: string, reason: string): string => (overrides[name] === undefined ? reason : 'drained by alice')
  const down = { fit: false, checked: true, down: true, reason: 'its REST API refuses connections' }
  const view = sampleView({
    members: [
      sampleMember('pg1', { role: 'master', replica: LEADS, isLeader: true, ...override('pg1') }),
      sampleMember('pg2', { address: { host: '10.0.0.2', port: 5432 }, ...override('pg2') }),
      sampleMember('pg3', { address: { host: 'pg3.lan', port: 5432 }, place: null, replica: down, ...override('pg3') }),
    ],
  })
  const proxy = sampleProxy({
    listeners: [
      sampleListener(
        ...(['primary', 'primary', { pg1: fit('pg1', ''), pg2: 'is a replica', pg3: 'is a replica' }] as const),
        { sessions: 12, held: 3, traffic: PRIMARY_TRAFFIC },
      ),
      sampleListener(
        ...(['replicas', 'replica', { pg1: 'is the leader', pg2: fit('pg2', ''), pg3: down.reason }] as const),
        { address: '[::]:5001', sessions: 4 },
      ),
    ],
  })
  const members = Object.entries(checks).map(([member, last]) => ({ member, passed: 10, failed: 5, last }))
  return sampleStatus({ view, proxy, counts: { ...NO_WATCHER_COUNTS, primaryChanges: 1, members } })
}

export const SESSIONS: readonly SessionStatus[] = [
  {
    ...{ id: '0x1f', cluster: 'demo', listener: 'primary', route: 'primary', member: 'pg1' },
    ...{ server: '10.0.0.1:5432', client: '10.1.1.1:40000', since: NOW - 3_725_000, bytesIn: 10, bytesOut: 20 },
  },
  {
    ...{ id: '0x20', cluster: 'demo', listener: 'replicas', route: 'replica', member: 'pg2' },
    ...{ server: '10.0.0.2:5432', client: '[::1]:40001', since: NOW - 7000, bytesIn: 0, bytesOut: 0 },
  },
]

/** Notes what is asked of it, and refuses it of pg3. */
export class RecordingActs implements Acts {
  readonly calls: unknown[][] = []
  readonly #sessions: readonly SessionStatus[]

  constructor(sessions: readonly SessionStatus[] = SESSIONS) {
    this.#sessions = sessions
  }

  setMember(...call: Parameters<Acts['setMember']>): Promise<string> {
    this.calls.push(['setMember', ...call])
    if (call[0].member === 'pg3') return Promise.reject(new RouterError('ACT_REFUSED', 'pg3 has gone'))
    return Promise.resolve('done')
  }

  hold(): Promise<string> {
    return Promise.reject(new Error('no command of HAProxy holds'))
  }

  release(): Promise<string> {
    return Promise.reject(new Error('no command of HAProxy releases'))
  }

  sessions(...[filter, max]: Parameters<Acts['sessions']>): ReturnType<Acts['sessions']> {
    const matching = this.#sessions.filter(({ id }) => filter.id === undefined || filter.id === id)
    return Promise.resolve({ sessions: matching.slice(0, max), total: matching.length })
  }

  closeSessions(...call: Parameters<Acts['closeSessions']>): Promise<number> {
    this.calls.push(['closeSessions', ...call])
    const [{ id, member }] = call
    return Promise.resolve(this.#sessions.filter((each) => each.id === id || each.member === member).length)
  }

  limitListener(...call: Parameters<Acts['limitListener']>): Promise<string> {
    this.calls.push(['limitListener', ...call])
    return Promise.resolve('done')
  }
}

/** Keeps the overrides that are asked for, for a status that shows them. */
export class OverridingActs extends RecordingActs {
  overrides: Readonly<Record<string, Override['state']>> = {}

  override async setMember(...call: Parameters<Acts['setMember']>): Promise<string> {
    const answer = await super.setMember(...call)
    const [{ member }, state] = call
    const others = Object.fromEntries(Object.entries(this.overrides).filter(([name]) => name !== member))
    this.overrides = state === 'ready' ? others : { ...others, [member]: state }
    return answer
  }
}

const SESSION: CommandSession = {
  togglePrompt: () => undefined,
  setIdleTimeout: () => undefined,
  quit: () => undefined,
  signal: new AbortController().signal,
  interrupted: new AbortController().signal,
}

/** Returns the whole answer of a command. */
export async function answerOf(command: Command, args: readonly string[]): Promise<string> {
  const answer = command.run(args, SESSION)
  if (typeof answer === 'string' || 'then' in answer) return answer
  return textOf(answer)
}

export async function textOf(parts: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const part of parts) text += part
  return text
}
