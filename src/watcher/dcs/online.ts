/** What `check --online` says of a DCS that was asked once, of whatever kind it is. */
import type { ClusterConfig } from '../../config/config.ts'
import { explain, isOutOfReach } from '../../errors.ts'
import { counted } from '../../text/wording.ts'
import { type Cluster, isEmpty, namedBy } from '../cluster.ts'
import type { ClusterSource, DcsObservation } from './dcs.ts'
import { askOnce } from './rotation.ts'
import { Survey, type SurveyOptions } from './survey.ts'

export interface OnlineFinding {
  /** What was asked: `DCS at 10.0.0.1:2379`, `pg1: REST API`. */
  readonly subject: string
  readonly ok: boolean
  readonly message: string
  /** The DCS does not answer at all: nothing can be said of the configuration. */
  readonly isAway?: boolean
  /** It may be as it is meant to be. */
  readonly isDoubtful?: boolean
}

export interface OnlineRead {
  readonly findings: readonly OnlineFinding[]
  /** null: it could not be read. */
  readonly cluster: Cluster | null
}

/** Returns what the first observation says: of an endpoint, or of several in one. Rejects when `signal` aborts. */
export async function readOnce(dcs: ClusterSource, signal: AbortSignal): Promise<OnlineRead> {
  for await (const observation of dcs.observe(signal)) {
    const cluster = observation.type === 'snapshot' ? observation.cluster : null
    return { findings: [dcsFinding(observation)], cluster }
  }
  signal.throwIfAborted()
  return { findings: [], cluster: null }
}

/** What came instead of a listing of the keys. */
export interface Failure {
  /** For a person. */
  readonly message: string
  readonly isAway: boolean
}

/** Returns why the keys are not listed; null: they are. Rejects when `signal` aborts. */
export async function failureOf(
  connect: () => {
    close(): void
    list(): Promise<unknown>
    explain(error: unknown, signal: AbortSignal): Promise<string>
  },
  signal: AbortSignal,
): Promise<Failure | null> {
  try {
    const failure = await askOnce(connect, signal, async (connection) => {
      try {
        await connection.list()
        return null
      } catch (error) {
        return { message: await connection.explain(error, signal), isAway: isOutOfReach(error) }
      }
    })
    signal.throwIfAborted()
    return failure
  } catch (error) {
    signal.throwIfAborted()
    // Unusable certificate files.
    return { message: explain(error), isAway: false }
  }
}

/** Returns whether it does not answer a listing of its keys. Rejects when `signal` aborts. */
export async function isAwayOnce(
  connect: () => { close(): void; list(): Promise<unknown> },
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await askOnce(connect, signal, (connection) => connection.list())
    return false
  } catch (error) {
    signal.throwIfAborted()
    return isOutOfReach(error)
  }
}

/** Finds groups of Citus that no configured cluster follows. Never rejects: none are found then. */
export async function groupFindings<C extends { close(): void }>(
  endpoint: string,
  connect: () => C,
  options: Omit<SurveyOptions<C>, 'everyMs'>,
  signal: AbortSignal,
): Promise<readonly OnlineFinding[]> {
  const survey = new Survey({ ...options, everyMs: 0 })
  await askOnce(connect, signal, (connection) => survey.look(connection, false)).catch(() => undefined)
  return survey.tell(false).map(({ message }) => ({ subject: dcsAt(endpoint), ok: true, isDoubtful: true, message }))
}

/** A person waits at least as long as this, and no client does: a busy host must not make a DCS look unreachable. Milliseconds. */
const PATIENCE_MS = 5000

/** Returns how long a read of `check --online` may take. Milliseconds. */
export function patienceOf({ proxy }: ClusterConfig): number {
  return Math.max(proxy.check.timeoutMs, PATIENCE_MS)
}

function dcsFinding(observation: DcsObservation): OnlineFinding {
  const { endpoint } = observation
  if (observation.type === 'lost') {
    const { message } = observation.error
    return { subject: dcsAt(endpoint), ok: false, message, isAway: isOutOfReach(observation.error) }
  }
  const [notice] = observation.notices ?? []
  if (isEmpty(observation.cluster) && notice !== undefined)
    return { subject: dcsAt(endpoint), ok: false, message: notice.message }
  const { cluster } = observation
  return clusterFinding(endpoint, cluster, namedBy(cluster), cluster.systemId)
}

/** Returns the finding about a cluster that was read. `leader`: the one that it names. */
export function clusterFinding(
  endpoint: string,
  { members, ignoredKeys }: Pick<Cluster, 'members' | 'ignoredKeys'>,
  leader: string | null,
  systemId: string | null,
): OnlineFinding {
  const subject = dcsAt(endpoint)
  if (members.length === 0 && leader === null && systemId === null)
    return { subject, ok: false, message: 'it answers, but has no cluster under this namespace and scope' }
  if (members.length === 0)
    return { subject, ok: false, message: `the cluster has no members (leader ${leader ?? 'none'})` }
  const message = `${counted(members.length, 'member')}, leader ${leader ?? 'none'}`
  // Of a key that is there and cannot be read something else is said.
  const isThere =
    leader === null ||
    members.some(({ name }) => name === leader) ||
    ignoredKeys.some(({ key }) => key === `members/${leader}`)
  return isThere ? { subject, ok: true, message } : { subject, ok: true, isDoubtful: true, message: message + KEYLESS }
}

const KEYLESS =
  ', which has no member key: normal for a moment in a failover or while Patroni starts; if it lasts, check Patroni ' +
  'there, and whether the leader key was written by hand'

/** Returns the subject of what is found about an endpoint. */
export function dcsAt(endpoint: string): string {
  return `DCS at ${endpoint}`
}
