/** etcd v3, over its gRPC API (Patroni's section `etcd3`). */
import { etcdKind } from '../etcd-common/kind.ts'
import { neededIn } from '../etcd-common/section.ts'
import { NAME } from './section.ts'

const TEXTS = { description: 'etcd v3, as in Patroni.', how: neededIn(NAME) }

export const etcd3 = etcdKind(NAME, TEXTS, async () => (await import('./api.ts')).API)
