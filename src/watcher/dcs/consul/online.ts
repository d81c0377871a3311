/** `check --online` of a Consul. */
import { Certificates } from '../../tls/certificates.ts'
import type { ClusterSource } from '../dcs.ts'
import { dcsAt, failureOf, groupFindings, isAwayOnce, type OnlineRead, readOnce } from '../online.ts'
import type { Surroundings } from '../survey.ts'
import type { ConsulConnection } from './connection.ts'
import { connectionTo, type ConsulSessionsOptions } from './consul-sessions.ts'
import { SURVEY } from './places.ts'
import { SETTINGS } from './section.ts'

type Options = Pick<ConsulSessionsOptions<unknown>, 'config' | 'prefix' | 'timeoutMs' | 'lookups'>

/** Reads the cluster once with `source`, and looks for groups of Citus beside it. Rejects when `signal` aborts. */
export async function checkConsul(
  options: Options,
  surroundings: Surroundings,
  source: ClusterSource,
  signal: AbortSignal,
): Promise<OnlineRead> {
  const { endpoint } = options.config
  const failure = await failureOf(() => connect(options), signal)
  if (failure !== null) return { findings: [{ subject: dcsAt(endpoint), ok: false, ...failure }], cluster: null }
  const read = await readOnce(source, signal)
  const survey = { ...SURVEY, ...surroundings, prefix: `/${options.prefix}` }
  const groups = await groupFindings(endpoint, () => connect(options), survey, signal)
  return { ...read, findings: [...read.findings, ...groups] }
}

/** Returns whether it does not answer. Rejects when `signal` aborts. */
export function isConsulAway(options: Options, signal: AbortSignal): Promise<boolean> {
  return isAwayOnce(() => connect(options), signal)
}

/** @throws RouterError where the certificate files are unusable. */
function connect(options: Options): ConsulConnection {
  const { config } = options
  const { protocol, verify } = config
  const certificates =
    protocol === 'https' ? new Certificates(config, { systemTrust: verify, settings: SETTINGS }) : null
  return connectionTo(options, certificates?.read() ?? null)
}
