/** etcd over its API v2 (Patroni's section `etcd`). */
import { RouterError } from '../../../errors.ts'
import { etcdSection } from '../etcd-common/descriptor.ts'
import type { DcsKind } from '../kind.ts'
import { type Etcd2Config, NAME } from './section.ts'

export const etcd: DcsKind<Etcd2Config> = {
  ...etcdSection(NAME, { description: 'etcd with its API v2, as in Patroni.', how: 'etcd.hosts' }),
  hasKeys: true,
  create() {
    throw notBuilt()
  },
  createKeys() {
    throw notBuilt()
  },
  checkOnline() {
    throw notBuilt()
  },
  isAway() {
    throw notBuilt()
  },
}

function notBuilt(): RouterError {
  return new RouterError('INTERNAL', 'not built yet')
}
