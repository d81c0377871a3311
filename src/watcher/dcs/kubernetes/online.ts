/** `check --online` of Kubernetes. */
import { explain } from '../../../errors.ts'
import { dcsAt, groupFindings, isAwayOnce, type OnlineRead, readOnce } from '../online.ts'
import { askOnce } from '../rotation.ts'
import type { Surroundings } from '../survey.ts'
import { AccessSource, kubeconfigOf } from './access.ts'
import { apiTarget, clusterConnection, kubernetesDcs, type KubernetesDcsOptions } from './kubernetes-dcs.ts'
import type { ClusterConnection } from './connection.ts'
import { NO_LEASE } from './lease.ts'
import { surveyOf } from './places.ts'

/** Reads the cluster once, and looks for groups of Citus beside it. Rejects when `signal` aborts. */
export async function checkKubernetes(
  options: KubernetesDcsOptions,
  surroundings: Surroundings,
  signal: AbortSignal,
): Promise<OnlineRead> {
  const source = new AccessSource(options.config, options.serviceAccount)
  let endpoint: string
  try {
    ;({ endpoint } = source.load())
  } catch (error) {
    const subject = dcsAt(kubeconfigOf(options.config))
    return { findings: [{ subject, ok: false, message: explain(error) }], cluster: null }
  }
  const { findings, cluster } = await readOnce(kubernetesDcs(options), signal)
  const survey = {
    ...surveyOf<ClusterConnection>(options.config, options.place),
    ...surroundings,
    prefix: options.prefix,
  }
  const connect = (): ClusterConnection => connectionOf(options, source)
  // Pods alone are no cluster: it is said what there is instead.
  if (cluster !== null && cluster.leader === null && cluster.systemId === null) {
    const message = await askOnce(
      connect,
      signal,
      (connection) => survey.missing?.(connection) ?? Promise.resolve(null),
    ).catch(() => null)
    if (message !== null) return { findings: [{ subject: dcsAt(endpoint), ok: false, message }], cluster }
  }
  return { findings: [...findings, ...(await groupFindings(endpoint, connect, survey, signal))], cluster }
}

/** Returns whether it does not answer. Rejects when `signal` aborts. */
export function isKubernetesAway(options: KubernetesDcsOptions, signal: AbortSignal): Promise<boolean> {
  return isAwayOnce(() => connectionOf(options, new AccessSource(options.config, options.serviceAccount)), signal)
}

/** @throws RouterError where there is no access. */
function connectionOf(options: KubernetesDcsOptions, source: AccessSource): ClusterConnection {
  return clusterConnection(options, apiTarget(options, source.load()), { lease: NO_LEASE })
}
