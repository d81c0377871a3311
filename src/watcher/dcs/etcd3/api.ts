/** API v3 of etcd, as its kind uses it: with the client library, so loaded with the first use. */
import type { EtcdApi } from '../etcd-common/kind.ts'
import type { EtcdConnection } from './connection.ts'
import { Etcd3Dcs } from './etcd3-dcs.ts'
import { Etcd3KeyValues } from './key-values.ts'
import { askingOf } from './online.ts'
import { SURVEY } from './places.ts'
import type { NAME } from './section.ts'

export const API: EtcdApi<typeof NAME, EtcdConnection> = {
  dcs: (options) => new Etcd3Dcs(options),
  keys: (options) => new Etcd3KeyValues(options),
  asking: askingOf,
  survey: SURVEY,
}
