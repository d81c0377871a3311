/** How the endpoints of an etcd are asked over API v2, for `check --online`. */
import { isOutOfReach } from '../../../errors.ts'
import { Certificates } from '../../tls/certificates.ts'
import type { Asking } from '../etcd-common/seeds.ts'
import { EtcdConnection } from './connection.ts'
import { type EtcdSessionsOptions, targetOf } from './etcd-sessions.ts'
import { SETTINGS } from './section.ts'

/** Returns how endpoints with this protocol are asked. Nothing is connected yet. */
export function askingOf(
  options: Pick<EtcdSessionsOptions<unknown>, 'config' | 'root' | 'timeoutMs' | 'lookups'>,
  protocol: 'http' | 'https' = options.config.protocol,
): Asking<EtcdConnection> {
  const { config } = options
  const certificates = protocol === 'https' ? new Certificates(config, { systemTrust: true, settings: SETTINGS }) : null
  return {
    isOutOfReach,
    connect: (endpoint) => new EtcdConnection(targetOf(options, endpoint, certificates?.read() ?? null)),
  }
}
