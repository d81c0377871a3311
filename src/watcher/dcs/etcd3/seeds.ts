/** Asks etcd endpoints one by one, beside any observation: of which etcd cluster each is, and whether it can be read. */
import { type Etcd3Config, SETTINGS } from './section.ts'
import { explain } from '../../../errors.ts'
import type { Lookups } from '../../../names/lookups.ts'
import { Certificates } from '../../tls/certificates.ts'
import type { DcsNotice } from '../dcs.ts'
import { EtcdConnection } from './connection.ts'
import { EtcdSurvey, type SurveyOptions } from './survey.ts'
import { isOutOfReach } from './diagnosis.ts'

export interface SeedOptions {
  readonly config: Etcd3Config
  /** What is read: `/service/demo/`, with the slash at the end. */
  readonly prefix: string
  /** How long a read may take. Milliseconds. */
  readonly timeoutMs: number
  /** See `EtcdTarget`. */
  readonly lookups: Lookups
}

/** What one configured endpoint has answered. */
export interface SeedReport {
  /** As it is configured. */
  readonly endpoint: string
  /** Of the etcd cluster, as etcd's log shows it; known also of one that refuses to be read. null: not known. */
  readonly clusterId: string | null
  /** Why it cannot be read, for a person, with what to do about it; null: it has answered a linearizable read. */
  readonly reason: string | null
  /** Nothing answers there, which says nothing about the configuration. */
  readonly isAway: boolean
  /** The client URLs that its members advertise, as far as it tells them. */
  readonly advertised: readonly string[]
}

/**
 * Asks every configured endpoint, all at once, and gives a report of each in the order of the configuration. More than
 * one `clusterId` among them is a mistake: the router reads one etcd cluster, that of the first seed that answers.
 * Rejects when `signal` aborts, and never else.
 */
export async function probeSeeds(options: SeedOptions, signal: AbortSignal): Promise<readonly SeedReport[]> {
  const asking = { ...options, certificates: certificatesOf(options.config) }
  const reports = await Promise.all(
    options.config.endpoints.map((endpoint, index) => probeSeed(endpoint, index, asking, signal)),
  )
  signal.throwIfAborted()
  return reports
}

/** Looks for Citus groups of its scope that are not `followed`, at one endpoint. Never rejects: none are found then. */
export async function probeGroups(
  endpoint: string,
  { place, followed, ...options }: SeedOptions & Pick<SurveyOptions, 'place' | 'followed'>,
  signal: AbortSignal,
): Promise<readonly DcsNotice[]> {
  const survey = new EtcdSurvey({ prefix: options.prefix, place, followed, everyMs: 0 })
  const asking = { ...options, certificates: certificatesOf(options.config) }
  // Unusable certificates have been reported by the earlier reads.
  await ask(endpoint, 0, asking, signal, (connection) => survey.look(connection, false)).catch(() => null)
  return survey.tell(false)
}

interface Asking extends SeedOptions {
  readonly certificates: Certificates | null
}

function certificatesOf(config: Etcd3Config): Certificates | null {
  return config.protocol === 'https' ? new Certificates(config, { systemTrust: true, settings: SETTINGS }) : null
}

async function probeSeed(endpoint: string, index: number, asking: Asking, signal: AbortSignal): Promise<SeedReport> {
  try {
    return await ask(endpoint, index, asking, signal, async (connection) => {
      const [count, id, urls] = await Promise.allSettled([
        connection.count(),
        connection.clusterId(),
        connection.clientUrls(),
      ])
      const advertised = urls.status === 'fulfilled' ? urls.value : []
      const clusterId = id.status === 'fulfilled' ? id.value : null
      if (count.status === 'fulfilled')
        return { endpoint, clusterId: count.value.clusterId, reason: null, isAway: false, advertised }
      const reason = await connection.explain(count.reason, signal)
      return { endpoint, clusterId, reason, isAway: clusterId === null && isOutOfReach(count.reason), advertised }
    })
  } catch (error) {
    return { endpoint, clusterId: null, reason: explain(error), isAway: false, advertised: [] }
  }
}

/** Connects, and closes the connection afterwards, or when `signal` aborts. `index`: among those of one moment. */
async function ask<T>(
  endpoint: string,
  index: number,
  { certificates, ...options }: Asking,
  signal: AbortSignal,
  question: (connection: EtcdConnection) => Promise<T>,
): Promise<T> {
  let connection: EtcdConnection | null = null
  const onAbort = (): void => connection?.close()
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    const set = certificates?.read() ?? null
    // Below zero: an observation counts its connections from one.
    connection = new EtcdConnection({ ...options, endpoint, certificates: set }, -1 - index)
    return await question(connection)
  } finally {
    signal.removeEventListener('abort', onAbort)
    connection?.close()
  }
}
