/** How the endpoints of an etcd are asked over API v3, for `check --online`. */
import type { Lookups } from '../../../names/lookups.ts'
import { Certificates } from '../../tls/certificates.ts'
import type { Asking } from '../etcd-common/seeds.ts'
import { EtcdConnection } from './connection.ts'
import { isOutOfReach } from './diagnosis.ts'
import { type Etcd3Config, SETTINGS } from './section.ts'

export interface AskingOptions {
  readonly config: Etcd3Config
  /** What is read: `/service/demo/`, with the slash at the end. */
  readonly prefix: string
  /** How long a read may take. Milliseconds. */
  readonly timeoutMs: number
  /** See `EtcdTarget`. */
  readonly lookups: Lookups
}

/** Returns how endpoints with this protocol are asked. Nothing is connected yet. */
export function askingOf(
  { config, ...options }: AskingOptions,
  protocol: 'http' | 'https' = config.protocol,
): Asking<EtcdConnection> {
  const certificates = protocol === 'https' ? new Certificates(config, { systemTrust: true, settings: SETTINGS }) : null
  return {
    isOutOfReach,
    connect: (endpoint, index) =>
      // Below zero: an observation counts its connections from one.
      new EtcdConnection({ ...options, config, endpoint, certificates: certificates?.read() ?? null }, -1 - index),
  }
}
