/** `check --online` of a ZooKeeper: every server, since a dead one among the others would be noticed on the day when that one fails. */
import { MAX_TIMER_MS } from '../../../clock.ts'
import { explain, isOutOfReach, RouterError } from '../../../errors.ts'
import type { ClusterSource } from '../dcs.ts'
import { dcsAt, groupFindings, type OnlineFinding, type OnlineRead, readOnce } from '../online.ts'
import { askOnce } from '../rotation.ts'
import type { Surroundings } from '../survey.ts'
import { SURVEY } from './places.ts'
import { NamedServers, type ServerList } from './servers.ts'
import { clusterReading, zookeeperDcs, type ZooKeeperOptions } from './zookeeper-dcs.ts'
import { certificatesOf, connectionTo, type ZooKeeperReading } from './zookeeper-sessions.ts'

type Options = Pick<ZooKeeperOptions, 'config' | 'servers' | 'lookups' | 'timeoutMs'> & { readonly prefix: string }

/** Nothing is read a second time. Milliseconds. */
const ONCE_MS = MAX_TIMER_MS

interface Answer {
  readonly endpoint: string
  /** Why it cannot be read, for a person; null: it has answered. */
  readonly reason: string | null
  readonly isAway: boolean
}

/** Returns the servers, or why none is known. Rejects when `signal` aborts. */
async function serversIn(list: ServerList, signal: AbortSignal): Promise<readonly string[] | RouterError> {
  try {
    return await list.all(signal)
  } catch (error) {
    signal.throwIfAborted()
    return error instanceof RouterError ? error : new RouterError('DCS_UNAVAILABLE', explain(error), { cause: error })
  }
}

/**
 * Checks each server, reads the cluster once at the first that answers, and looks for groups of Citus beside it. Rejects
 * when `signal` aborts.
 */
export async function checkZooKeeper(
  options: Options,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<OnlineRead> {
  const servers = await serversIn(options.servers, signal)
  if (servers instanceof RouterError) {
    const subject = dcsAt(options.servers.name)
    return {
      findings: [{ subject, ok: false, message: servers.message, isAway: isOutOfReach(servers) }],
      cluster: null,
    }
  }
  const reading = clusterReading(options, options.prefix)
  const answers = await askAll(reading, servers, signal)
  const first = answers.find(({ reason }) => reason === null) ?? null
  const sourceOf = (endpoint: string): ClusterSource =>
    zookeeperDcs({
      ...options,
      survey: surroundings,
      servers: new NamedServers([endpoint], options.lookups),
      intervalMs: ONCE_MS,
      log: null,
    })
  const read = first === null ? null : await readOnce(sourceOf(first.endpoint), signal)
  const findings = answers.flatMap((answer) =>
    answer === first ? (read?.findings ?? []) : [findingOf(answer, first === null)],
  )
  if (first === null) return { findings, cluster: null }
  const survey = { ...SURVEY, ...surroundings, prefix: options.prefix }
  const groups = await groupFindings(first.endpoint, () => connect(reading, first.endpoint), survey, signal)
  return { findings: [...findings, ...groups], cluster: read?.cluster ?? null }
}

/** Returns whether no server answers. Rejects when `signal` aborts. */
export async function isZooKeeperAway(options: Options, signal: AbortSignal): Promise<boolean> {
  const servers = await serversIn(options.servers, signal)
  if (servers instanceof RouterError) return isOutOfReach(servers)
  const answers = await askAll(clusterReading(options, options.prefix), servers, signal)
  return answers.every(({ isAway }) => isAway)
}

async function askAll(
  reading: ZooKeeperReading,
  endpoints: readonly string[],
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const answers = await Promise.all(endpoints.map((endpoint) => askServer(reading, endpoint, signal)))
  signal.throwIfAborted()
  return answers
}

async function askServer(reading: ZooKeeperReading, endpoint: string, signal: AbortSignal): Promise<Answer> {
  try {
    return await askOnce(
      () => connect(reading, endpoint),
      signal,
      async (connection) => {
        try {
          await connection.list()
          return { endpoint, reason: null, isAway: false }
        } catch (error) {
          return { endpoint, reason: await connection.explain(error, signal), isAway: isOutOfReach(error) }
        }
      },
    )
  } catch (error) {
    // Unusable certificate files.
    return { endpoint, reason: explain(error), isAway: false }
  }
}

/** @throws RouterError where the certificate files are unusable. */
function connect(reading: ZooKeeperReading, endpoint: string) {
  return connectionTo(reading, endpoint, certificatesOf(reading.config)?.read() ?? null)
}

function findingOf({ endpoint, reason, isAway }: Answer, isNoneThere: boolean): OnlineFinding {
  // Where another one answers it is this one that is wrong.
  const away = isNoneThere && isAway
  return { subject: dcsAt(endpoint), ok: reason === null, message: reason ?? 'answers', isAway: away }
}
