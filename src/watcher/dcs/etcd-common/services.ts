/** The SRV records of a configuration, looked up and asked as Patroni does. */
import type { Lookups } from '../../../names/lookups.ts'
import { Certificates } from '../../tls/certificates.ts'
import { askOnce } from '../rotation.ts'
import type { EtcdConfig } from './section.ts'
import { type Services, srvServices } from './srv-records.ts'

/** Builds what finds the endpoints in the DNS; null: none is configured. Nothing is looked up yet. */
export function etcdServices(
  { kind, srv }: Pick<EtcdConfig, 'kind' | 'srv'>,
  { lookups, timeoutMs }: { readonly lookups: Lookups; readonly timeoutMs: number },
): Services | null {
  if (srv === null) return null
  return srvServices({
    srv,
    setting: `${kind}.srv`,
    resolve: (name) => lookups.services(name),
    async members(protocol, endpoint) {
      const { HttpConnection } = await import('../http/connection.ts')
      // As Patroni, without looking at the certificate: what a peer names is verified when it is read.
      const none = { caFile: null, certFile: null, keyFile: null }
      const certificates = protocol === 'https' ? new Certificates(none).read() : null
      const target = { endpoint, certificates, verifies: false, headers: {}, timeoutMs, lookups }
      const read = askOnce(
        () => new HttpConnection(target),
        new AbortController().signal,
        async (peer) => (await peer.get('/members')).text,
      )
      // A record can name what is no host. The next peer may answer, or none of them, which is reported.
      return read.catch(() => null)
    },
  })
}
