/** `check --online` of a Consul. */
import { isOutOfReach } from '../../../errors.ts'
import { Certificates } from '../../tls/certificates.ts'
import type { ClusterSource } from '../dcs.ts'
import { askOnce, groupFindings, type OnlineRead, readOnce } from '../online.ts'
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
  const read = await readOnce(source, signal)
  if (read.cluster === null) return read
  const survey = { ...SURVEY, ...surroundings, prefix: `/${options.prefix}` }
  const groups = await groupFindings(options.config.endpoint, () => connect(options), survey, signal)
  return { ...read, findings: [...read.findings, ...groups] }
}

/** Returns whether it does not answer. Rejects when `signal` aborts. */
export async function isConsulAway(options: Options, signal: AbortSignal): Promise<boolean> {
  try {
    await askOnce(
      () => connect(options),
      signal,
      (connection) => connection.list(),
    )
    return false
  } catch (error) {
    signal.throwIfAborted()
    return isOutOfReach(error)
  }
}

/** @throws RouterError where the certificate files are of no use. */
function connect(options: Options): ConsulConnection {
  const { config } = options
  const { protocol, verify } = config
  const certificates =
    protocol === 'https' ? new Certificates(config, { systemTrust: verify, settings: SETTINGS }) : null
  return connectionTo(options, certificates?.read() ?? null)
}
