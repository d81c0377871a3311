/** `check --online` of a ZooKeeper: every server, since a dead one among the others would be noticed on the day when that one fails. */
import { MAX_TIMER_MS } from '../../../clock.ts'
import { explain, isOutOfReach, RouterError } from '../../../errors.ts'
import type { ClusterSource } from '../dcs.ts'
import {
  dcsAt,
  type Failure,
  failureOf,
  groupFindings,
  type OnlineFinding,
  type OnlineRead,
  readOnce,
} from '../online.ts'
import type { Surroundings } from '../survey.ts'
import { SURVEY } from './places.ts'
import { NamedServers, type ServerList } from './servers.ts'
import { clusterReading, zookeeperDcs, type ZooKeeperOptions } from './zookeeper-dcs.ts'
import { certificatesOf, connectionTo, type ZooKeeperReading } from './zookeeper-sessions.ts'

type Options = Pick<ZooKeeperOptions, 'config' | 'servers' | 'lookups' | 'timeoutMs'> & { readonly prefix: string }

interface Answer {
  readonly endpoint: string
  /** null: it has answered. */
  readonly failure: Failure | null
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
  const first = answers.find(({ failure }) => failure === null) ?? null
  const sourceOf = (endpoint: string): ClusterSource =>
    zookeeperDcs({
      ...options,
      survey: surroundings,
      servers: new NamedServers([endpoint], options.lookups),
      // Nothing is read a second time.
      intervalMs: MAX_TIMER_MS,
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
  return answers.every(({ failure }) => failure?.isAway === true)
}

async function askAll(
  reading: ZooKeeperReading,
  endpoints: readonly string[],
  signal: AbortSignal,
): Promise<readonly Answer[]> {
  const answer = async (endpoint: string): Promise<Answer> => {
    return { endpoint, failure: await failureOf(() => connect(reading, endpoint), signal) }
  }
  return Promise.all(endpoints.map(answer))
}

/** @throws RouterError where the certificate files are unusable. */
function connect(reading: ZooKeeperReading, endpoint: string) {
  return connectionTo(reading, endpoint, certificatesOf(reading.config)?.read() ?? null)
}

function findingOf({ endpoint, failure }: Answer, isNoneThere: boolean): OnlineFinding {
  const subject = dcsAt(endpoint)
  if (failure === null) return { subject, ok: true, message: 'answers' }
  // Where another one answers it is this one that is wrong.
  return { subject, ok: false, message: failure.message, isAway: isNoneThere && failure.isAway }
}
