import type { PatroniMember } from './member.ts'

/** How long a replica may need to follow by itself before it is cloned anew. */
const PATIENCE_MS = 12_000
const REINITIALIZE_MS = 15_000

/** What the other members are measured by. */
type Lead = { readonly leader: PatroniMember; readonly isStandby: boolean; readonly timeline: number | undefined }

type DynamicConfig = { readonly standby_cluster?: unknown }

type MemberKey = { readonly state?: string; readonly role?: string; readonly timeline?: number }

/**
 * Tells whether a cluster is as after a fresh start, and helps replicas that cannot follow by themselves as a DBA would:
 * with a reinitialization. They exist: PostgreSQL 15's pg_rewind looks at the timeline of the last checkpoint only, so
 * it finds "no rewind required" for a server that was promoted and demoted again within a moment.
 */
export class Health {
  readonly #ailingSince = new Map<PatroniMember, number>()
  readonly #members: readonly PatroniMember[]
  readonly #get: (key: string) => Promise<string | null>

  /** @param get reads a key of the cluster from the DCS. */
  constructor(members: readonly PatroniMember[], get: (key: string) => Promise<string | null>) {
    this.#members = members
    this.#get = get
  }

  /** The leader of a healthy cluster. @throws with what is wrong. */
  async check(): Promise<PatroniMember> {
    const lead = await this.#lead()
    const problems: string[] = []
    for (const member of this.#members) {
      const problem = await this.#problem(member, lead).catch((error: unknown) => String(error))
      if (problem === null) this.#ailingSince.delete(member)
      else problems.push(`${member.name}: ${problem}`)
      if (problem !== null && member !== lead.leader) await this.#help(member)
    }
    if (problems.length > 0) throw new Error(problems.join('; '))
    return lead.leader
  }

  async #lead(): Promise<Lead> {
    try {
      const name = await this.#get('leader')
      const leader = this.#members.find((member) => member.name === name)
      if (leader === undefined) throw new Error('there is no leader')
      const { standby_cluster: standby = null } = JSON.parse((await this.#get('config')) ?? '{}') as DynamicConfig
      const isStandby = standby !== null
      if ((await leader.writable()) === isStandby) {
        throw new Error(`${leader.name} is the leader${isStandby ? ' of a standby cluster but' : ' but not'} writable`)
      }
      const failover = (await this.#get('failover')) ?? '{}'
      if (failover !== '{}') throw new Error(`a failover is pending: ${failover}`)
      const timeline = isStandby ? (await receiver(leader)).timeline : (await leader.status()).timeline
      return { leader, isStandby, timeline }
    } catch (error) {
      // Nobody can follow a leader that is not there.
      this.#ailingSince.clear()
      throw error
    }
  }

  async #problem(member: PatroniMember, { leader, isStandby, timeline }: Lead): Promise<string | null> {
    const raw = (await this.#get(`members/${member.name}`)) ?? '{}'
    const seen = JSON.parse(raw) as MemberKey
    const roles = member !== leader ? ['replica'] : isStandby ? ['standby_leader'] : ['master', 'primary']
    if (seen.state !== 'running' || !roles.includes(seen.role ?? '') || seen.timeline !== timeline) return raw
    if (member === leader && !isStandby) return null
    const { status, timeline: received } = await receiver(member)
    if (status === 'streaming' && received === timeline) return null
    return `does not stream on timeline ${timeline ?? '?'}: ${status}, ${received ?? '?'}`
  }

  async #help(member: PatroniMember): Promise<void> {
    const now = performance.now()
    const since = this.#ailingSince.get(member) ?? now
    this.#ailingSince.set(member, since)
    if (!member.running || now - since < PATIENCE_MS) return
    this.#ailingSince.set(member, now + REINITIALIZE_MS - PATIENCE_MS)
    await member.rest('POST', '/reinitialize', { force: true }, 5_000)
  }
}

async function receiver(member: PatroniMember): Promise<{ status: string; timeline: number | undefined }> {
  const [row] = await member.sql('SELECT status, received_tli FROM pg_stat_wal_receiver')
  const { status = 'no receiver', received_tli: timeline } = (row ?? {}) as { status?: string; received_tli?: number }
  return { status, timeline }
}
