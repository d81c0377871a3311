/** What the section `etcd` becomes: etcd over its API v2. */
import type { DcsConfig } from '../../../config/config.ts'
import { type EtcdConfig, settingsOf } from '../etcd-common/section.ts'

export const NAME = 'etcd'

export type Etcd2Config = EtcdConfig<typeof NAME>

export function isEtcd2(dcs: DcsConfig): dcs is Etcd2Config {
  return dcs.kind === NAME
}

/** What the settings are called that name its certificate files. */
export const SETTINGS = settingsOf(NAME)
