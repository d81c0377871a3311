/** etcd over its API v2 (Patroni's section `etcd`). */
import { etcdKind } from '../etcd-common/kind.ts'
import { NAME } from './section.ts'

const TEXTS = { description: 'etcd with its API v2, as in Patroni.', how: 'etcd.hosts' }

export const etcd = etcdKind(NAME, TEXTS, async () => (await import('./api.ts')).API)
