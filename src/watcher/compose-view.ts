/** Composes the published view from the parts of the watcher. Pure. */
import type { ClusterConfig } from '../config/config.ts'
import type { Override } from '../override.ts'
import { type Cluster, isEmpty, namedBy } from './cluster.ts'
import { askedAs, type Fitness, replicaView, UNKNOWN_FITNESS } from './members/fitness.ts'
import { basisOf, causeOf, evidenceOf, memberOf, type PrimaryMachine } from './primary/machine.ts'
import { addressOf, type KnownMember, type KnownMembers } from './members/known-members.ts'
import { type Pin, type Pins, placeOf } from './members/pins.ts'
import { type ClusterView, type DcsView, type MemberView, takesNew } from './view.ts'

export interface ViewParts {
  readonly config: ClusterConfig
  readonly dcs: DcsView
  readonly cluster: Cluster
  readonly machine: PrimaryMachine
  readonly known: KnownMembers
  readonly fitness: ReadonlyMap<string, Fitness>
  readonly pins?: Pins
  /** What a person has decided, by member. */
  readonly overrides?: ReadonlyMap<string, Override>
  /** Those of the last view; none: every member's is made. */
  readonly before?: MemberViews
}

/** What of all that is known makes the view of one member. */
interface MemberParts {
  readonly each: KnownMember
  readonly own: Fitness
  readonly pin: Pin | undefined
  readonly dialled: ClusterConfig['proxy']['address']
  readonly isLeader: boolean
  readonly leadsOnly: boolean
  readonly isSync: boolean
  readonly hasNoLock: boolean
  readonly override: Override | undefined
}

/** The members of the last view: one of which nothing has changed is the same object in the next. */
export class MemberViews {
  #made: ReadonlyMap<string, { readonly parts: MemberParts; readonly view: MemberView }> = new Map()

  /** Returns the views of these members, in their order. */
  of(members: readonly MemberParts[]): readonly MemberView[] {
    const made = new Map<string, { readonly parts: MemberParts; readonly view: MemberView }>()
    const views: MemberView[] = []
    for (const parts of members) {
      const { name } = parts.each.member
      const before = this.#made.get(name)
      const next = before !== undefined && isSamePart(before.parts, parts) ? before : this.#make(parts, before?.view)
      made.set(name, next)
      views.push(next.view)
    }
    this.#made = made
    return views
  }

  #make(
    parts: MemberParts,
    before: MemberView | undefined,
  ): { readonly parts: MemberParts; readonly view: MemberView } {
    const view = viewOf(parts)
    return { parts, view: before !== undefined && isSame(before, view) ? before : view }
  }
}

function isSamePart(one: MemberParts, other: MemberParts): boolean {
  return (
    one.each === other.each &&
    one.own === other.own &&
    one.pin === other.pin &&
    one.dialled === other.dialled &&
    one.isLeader === other.isLeader &&
    one.leadsOnly === other.leadsOnly &&
    one.isSync === other.isSync &&
    one.hasNoLock === other.hasNoLock &&
    one.override === other.override
  )
}

function viewOf(parts: MemberParts): MemberView {
  const { each, own, pin, dialled, isLeader, leadsOnly, isSync, hasNoLock, override } = parts
  const gone = each.goneSince !== null
  const address = addressOf(each.member, dialled)
  return {
    ...each.member,
    gone,
    address,
    place: placeOf(address, pin),
    isLeader,
    isSync,
    lagBytes: isLeader || gone || own.restDown || each.member.state !== 'running' ? null : own.lagBytes,
    replica: replicaView(own, { gone, isLeader: leadsOnly, hasNoLock }),
    ...(override === undefined ? {} : { override }),
  }
}

/** Composes the view of what is known. */
export function composeView({
  config,
  dcs,
  cluster,
  machine,
  known,
  fitness,
  pins = new Map(),
  overrides = new Map(),
  before = new MemberViews(),
}: ViewParts): ClusterView {
  const { phase, since, epoch } = machine
  const { highest, last } = machine.served
  const cause = causeOf(phase)
  const member = memberOf(phase)
  const leader = namedBy(cluster)
  const dialled = config.proxy.address
  const sync = new Set(cluster.syncStandbys)
  const isLockKnown = dcs.state === 'up' && cluster.hasLock
  const shown = [...known].filter(([name, { goneSince, isRecalled }]) => {
    return goneSince === null || isRecalled !== true || name === leader || name === member
  })
  const parts = shown.map(([name, each]): MemberParts => {
    // The leader named by the DCS says 200 to /replica until its promotion is done; an open primary is no replica
    // either.
    const isLeader = name === leader || name === member
    const leadsOnly = isLeader && (name === member || askedAs(name, each, cluster) !== '/standby-leader')
    return {
      each,
      own: fitness.get(name) ?? UNKNOWN_FITNESS,
      pin: pins.get(name),
      dialled,
      isLeader,
      leadsOnly,
      isSync: sync.size > 0 && sync.has(name.toLowerCase()),
      hasNoLock: isLockKnown && name !== leader,
      override: overrides.get(name),
    }
  })
  const absence = phase.state === 'none' && dcs.state === 'up' && isEmpty(cluster) ? dcs.absence : null
  const own = member === null ? undefined : known.get(member)
  const address = own === undefined ? null : addressOf(own.member, dialled)
  const place = placeOf(address, pins.get(member ?? ''))
  const isUnresolved = takesNew(phase.state) && address !== null && place === null
  const reason = isUnresolved ? `its name ${address.host} has not been resolved` : phase.reason
  const override = overrides.get(member ?? '')
  return {
    name: config.name,
    scope: config.scope,
    namespace: config.namespace,
    citusGroup: config.citusGroup,
    dcs,
    leader,
    primary: {
      ...(cause === null ? {} : { cause }),
      ...('serves' in phase ? { serves: phase.serves } : {}),
      ...(override === undefined ? {} : { override }),
      state: phase.state,
      member,
      address,
      place,
      reason: absence ?? reason,
      since,
      silences: member === null ? 0 : evidenceOf(machine, member).silences,
      epoch,
      basis: member === null ? '' : basisOf(machine, member),
    },
    members: before.of(parts).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    ignoredKeys: cluster.ignoredKeys,
    systemId: cluster.systemId,
    paused: cluster.paused,
    standbyCluster: cluster.standbyCluster,
    quorum: cluster.quorum,
    ttlMs: cluster.ttlMs,
    switchover: cluster.failover,
    setBack: last < highest ? { timeline: last, served: highest } : null,
  }
}

/**
 * Returns whether nothing has changed from `one` to `other` but the time when the DCS was read last: sinks have it
 * already. Compares value by value, so that a new field of the view counts without being listed here.
 */
export function isSameView(one: ClusterView, other: ClusterView): boolean {
  const { readAt } = other.dcs
  return isSame({ ...one, dcs: { ...one.dcs, readAt } }, other)
}

/** Returns whether both hold the same values. `node:util` has the same for any value, and takes twice the time. */
function isSame(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true
  if (typeof one !== 'object' || typeof other !== 'object' || one === null || other === null) return false
  const keys = Object.keys(one)
  if (keys.length !== Object.keys(other).length) return false
  const [before, after] = [one as Plain, other as Plain]
  return keys.every((key) => isSame(before[key], after[key]))
}

type Plain = Readonly<Record<string, unknown>>
