/** API v2 of etcd, as its kind uses it: with the client library, so loaded with the first use. */
import type { EtcdApi } from '../etcd-common/kind.ts'
import type { EtcdConnection } from './connection.ts'
import { etcdDcs, etcdKeyValues } from './etcd-dcs.ts'
import { askingOf } from './online.ts'
import { SURVEY } from './places.ts'
import type { NAME } from './section.ts'

export const API: EtcdApi<typeof NAME, EtcdConnection> = {
  dcs: etcdDcs,
  keys: etcdKeyValues,
  asking: ({ prefix, ...options }, protocol) => askingOf({ ...options, root: prefix.slice(0, -1) }, protocol),
  survey: SURVEY,
}
