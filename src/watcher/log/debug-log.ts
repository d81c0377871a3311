/**
 * What the log says at level `debug`: each answer of a member that differs from the one before, each change in the DCS.
 */
import type { Logger } from 'pino'
import type { Cluster, FailoverRequest } from '../cluster.ts'
import type { PostgresAnswer, RestAnswer } from '../primary/evidence.ts'
import type { Member } from '../members/member.ts'
import { printable } from '../../text/printable.ts'
import type { ReplicaAnswer } from '../checks/proof.ts'

type Answer = RestAnswer | ReplicaAnswer | PostgresAnswer

const MAX_MESSAGE = 1000

export class DebugLog {
  readonly #log: Pick<Logger, 'debug' | 'isLevelEnabled'>
  /** By question. */
  readonly #answers = new Map<string, string>()

  constructor(log: Pick<Logger, 'debug' | 'isLevelEnabled'>) {
    this.#log = log
  }

  /** Notes the answer to a question, such as `pg1 GET /replica`. */
  answered(question: string, answer: Answer): void {
    if (!this.#log.isLevelEnabled('debug')) return
    const text = answerText(answer)
    if (this.#answers.get(question) === text) return
    this.#answers.set(question, text)
    this.#log.debug({ event: 'answer' }, printable(`${question}: ${text}`, MAX_MESSAGE))
  }

  /** Notes what was read of the DCS. */
  read(before: Cluster, after: Cluster): void {
    if (before === after || !this.#log.isLevelEnabled('debug')) return
    for (const change of clusterChanges(before, after))
      this.#log.debug({ event: 'dcs-changed' }, printable(`DCS: ${change}`, MAX_MESSAGE))
  }
}

/** Returns an answer in words. */
export function answerText(answer: Answer): string {
  switch (answer.kind) {
    case 'proof':
      return `it is the primary, on timeline ${answer.timeline === 0 ? 'unknown' : answer.timeline}`
    case 'stopping':
      return 'it is being stopped'
    case 'lockless':
      return `a primary without the lock, on timeline ${answer.timeline}: ${answer.reason}`
    case 'no':
    case 'unfit':
      return `no: ${answer.reason}`
    case 'silent':
      return `no answer: ${answer.reason}`
    case 'unasked':
      return `not queried: ${answer.reason}`
    case 'fit':
      return 'yes'
    case 'up':
      return 'it answers'
    case 'down':
      return `it is down: ${answer.reason}`
    case 'unknown':
      return 'nothing certain'
  }
}

/** Returns what of the cluster's keys has changed, each in words; positions, which change all the time, are left out. */
export function clusterChanges(before: Cluster, after: Cluster): readonly string[] {
  const [old, present] = [before, after].map(
    ({ members }) => new Map(members.map((each) => [each.name, memberText(each)])),
  )
  const names = [...new Set([...(old?.keys() ?? []), ...(present?.keys() ?? [])])]
  const facts: [string, (cluster: Cluster) => string][] = [
    ['leader', ({ leader }) => (leader === null ? 'none' : `${leader.name} (session ${leader.session})`)],
    ['failover', ({ failover }) => failoverText(failover)],
    ['sync', ({ syncStandbys }) => syncStandbys.join(', ') || 'none'],
    ['initialize', ({ systemId }) => systemId ?? 'none'],
    ['ttl', ({ ttlMs }) => (ttlMs === null ? 'unknown' : `${ttlMs / 1000} s`)],
  ]
  return [
    ...facts.map(([what, text]) => change(what, text(before), text(after))),
    ...names.map((name) => change(`member ${name}`, old?.get(name) ?? 'none', present?.get(name) ?? 'none')),
  ].filter((text) => text !== null)
}

function change(what: string, before: string, after: string): string | null {
  return before === after ? null : `${what}: ${after} (was ${before})`
}

function failoverText(failover: FailoverRequest | null): string {
  if (failover === null) return 'none'
  const { leader, member, scheduledAt } = failover
  const when = scheduledAt === null || !Number.isFinite(scheduledAt) ? '' : ` at ${scheduledAt}`
  return `from ${leader ?? 'any'} to ${member ?? 'any'}${when}`
}

function memberText(member: Member): string {
  const { host, port, role, state, timeline, replicationState, restUrl, tags, pendingRestart } = member
  const where = host === null ? 'no address' : `${host}:${port}`
  const tagged = Object.keys(tags).length === 0 ? '' : `, tags ${JSON.stringify(tags)}`
  const restart = pendingRestart ? ', restart pending' : ''
  const what = `role ${role}, state ${state}, timeline ${timeline ?? 'unknown'}`
  return `${where}, REST ${restUrl ?? 'none'}, ${what}, ${replicationState ?? 'no replication'}${tagged}${restart}`
}
