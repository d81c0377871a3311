/**
 * Discovery through the members' own REST API, for those whose DCS is out of the router's reach, or is no server at all
 * (raft). Every member that is named becomes a source. What they tell are claims: only a member's own proof opens it.
 */
import { isDeepStrictEqual } from 'node:util'
import type { MembersConfig } from './descriptor.ts'
import { RouterError } from '../../../errors.ts'
import type { Cluster, IgnoredKey } from '../../cluster.ts'
import { Poll } from '../../checks/poll.ts'
import type { RestClient } from '../../checks/rest-client.ts'
import type { ClusterSource, DcsObservation, Remembered } from '../dcs.ts'
import { identify, type Identity } from './identity.ts'
import { type Account, mergeAccounts } from './merge.ts'
import { Queue } from '../queue.ts'
import { type Told, understand } from './topology.ts'

export interface RestDcsOptions {
  readonly config: Pick<MembersConfig, 'urls'>
  readonly restClient: Pick<RestClient, 'get'>
  readonly scope: string
  /** From one question to a source to the next; the fast one at the start, growing, until there is an answer. */
  readonly intervalMs: number
  readonly fastIntervalMs: number
}

/** How many members are queried about the cluster at most; the configured ones always are. */
const MAX_SOURCES = 20

/** How many reasons an error gives. */
const MAX_REASONS = 5

interface Source {
  readonly url: string
  readonly poll: Poll
  /** null: not asked yet. */
  told: Told | null
  order: number
  asked: number
  lastSystemId: string | null
}

interface Answer {
  readonly source: Source
  readonly told: Told
  readonly order: number
}

/** The sources whose word counts, and why that of the others does not. */
interface Verdict {
  readonly accounts: readonly (Account & { readonly url: string })[]
  readonly reasons: readonly string[]
  readonly refused: readonly IgnoredKey[]
}

export class RestDcs implements ClusterSource {
  readonly #options: RestDcsOptions
  readonly #sources = new Map<string, Source>()
  #cluster: Cluster | null = null
  #systemId: string | null = null
  /** Queried until the members report their own names. */
  #remembered: readonly string[] = []
  #questions = 0

  constructor(options: RestDcsOptions) {
    this.#options = options
  }

  async *observe(
    signal: AbortSignal,
    remembered: Remembered | null = null,
  ): AsyncGenerator<DcsObservation, void, undefined> {
    if (signal.aborted) return
    this.#systemId ??= remembered?.systemId ?? null
    this.#remembered = remembered?.restUrls ?? []
    const answers = new Queue<Answer | null>()
    const onAbort = (): void => answers.push(null)
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      this.#follow(answers)
      for (;;) {
        const answer = await answers.next()
        if (answer === null) return
        const observation = this.#take(answer)
        this.#follow(answers)
        if (observation !== null) yield observation
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      for (const { poll } of this.#sources.values()) poll.every(null, false)
      this.#sources.clear()
    }
  }

  /** Asks the configured sources and those that are known by now, and no others. */
  #follow(answers: Queue<Answer | null>): void {
    const wanted = this.#wanted()
    for (const [url, { poll }] of this.#sources) {
      if (wanted.has(url)) continue
      poll.every(null, false)
      this.#sources.delete(url)
    }
    for (const url of wanted) {
      const source = this.#sources.get(url) ?? this.#add(url, answers)
      source.poll.every(this.#intervalOf(source), false)
    }
  }

  #wanted(): ReadonlySet<string> {
    const { urls } = this.#options.config
    const found = this.#cluster?.members.flatMap(({ restUrl }) => restUrl ?? []) ?? this.#remembered
    return new Set([...new Set([...urls, ...found])].slice(0, Math.max(MAX_SOURCES, urls.length)))
  }

  #intervalOf({ asked }: Source): number {
    const { intervalMs, fastIntervalMs } = this.#options
    return this.#cluster === null ? Math.min(intervalMs, fastIntervalMs * 2 ** Math.max(0, asked - 1)) : intervalMs
  }

  #add(url: string, answers: Queue<Answer | null>): Source {
    const { restClient, scope } = this.#options
    const ask = async (signal: AbortSignal): Promise<void> => {
      const order = ++this.#questions
      const [cluster, patroni] = await Promise.all([
        restClient.get(url, '/cluster', signal),
        restClient.get(url, '/patroni', signal),
      ])
      if (!signal.aborted) answers.push({ source, told: understand(cluster, patroni, scope), order })
    }
    const poll = new Poll({ ask, random: Math.random })
    const source: Source = { url, poll, told: null, order: 0, asked: 0, lastSystemId: null }
    this.#sources.set(url, source)
    return source
  }

  #take({ source, told, order }: Answer): DcsObservation | null {
    if (this.#sources.get(source.url) !== source) return null
    source.told = told
    source.order = order
    source.asked++
    if (told.kind === 'told') source.lastSystemId = told.systemId ?? source.lastSystemId
    const sources = [...this.#sources.values()]
    const identity = identify(this.#systemId, sources.map(shownBy))
    const { accounts, reasons, refused } = judge(sources, identity)
    const [first] = accounts
    if (first === undefined) {
      return sources.some((one) => one.told === null) ? null : lost(source.url, reasons)
    }
    // Without a system identifier any primary would do: that can wait while a source has still to be queried.
    if (identity.kind === 'unsettled') return null
    this.#systemId = identity.kind === 'known' ? identity.systemId : null
    const merged = mergeAccounts(this.#cluster, accounts)
    const read = { ...merged, systemId: this.#systemId, ignoredKeys: [...refused, ...merged.ignoredKeys] }
    const before = this.#cluster
    const cluster = before !== null && isDeepStrictEqual(read, before) ? before : read
    this.#cluster = cluster
    if (identity.kind === 'none' && [...this.#wanted()].some((url) => !this.#sources.has(url))) return null
    return { type: 'snapshot', cluster, restored: false, endpoint: first.url }
  }
}

function shownBy({ told, lastSystemId }: Source): { asked: boolean; now: string | null; last: string | null } {
  return { asked: told !== null, now: told?.kind === 'told' ? told.systemId : null, last: lastSystemId }
}

function judge(sources: readonly Source[], identity: Identity): Verdict {
  const accounts: (Account & { readonly url: string })[] = []
  const reasons: string[] = []
  const refused: IgnoredKey[] = []
  for (const { url, told, order } of sources) {
    if (told === null) continue
    const reason = told.kind === 'told' ? whyNot(told.systemId, identity) : told.reason
    if (told.kind === 'told' && reason === null) accounts.push({ url, order, topology: told.topology })
    if (reason === null) continue
    reasons.push(reason.includes(url) ? reason : `${url}: ${reason}`)
    if (told.kind !== 'silent') refused.push({ key: url, reason })
  }
  return { accounts, reasons, refused }
}

/** Returns why a source of this database does not count; a source without a database only reports others. */
function whyNot(systemId: string | null, identity: Identity): string | null {
  switch (identity.kind) {
    case 'known':
      return systemId === null || systemId === identity.systemId
        ? null
        : `it belongs to a different database cluster (system identifier ${systemId}, not ${identity.systemId})`
    case 'conflict':
      return `its system identifier is ${systemId ?? 'unknown'}, and those of the others differ: list members of one cluster only`
    case 'none':
    case 'unsettled':
      return null
  }
}

function lost(endpoint: string, reasons: readonly string[]): DcsObservation {
  const more = reasons.length > MAX_REASONS ? `; and ${reasons.length - MAX_REASONS} more` : ''
  const message = `no member reports the cluster: ${reasons.slice(0, MAX_REASONS).join('; ')}${more}`
  return { type: 'lost', endpoint, error: new RouterError('DCS_UNAVAILABLE', message) }
}
