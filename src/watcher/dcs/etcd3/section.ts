/** What the section `etcd3` becomes. */
import type { DcsConfig } from '../../../config/config.ts'
import { type EtcdConfig, settingsOf } from '../etcd-common/section.ts'

export const NAME = 'etcd3'

export type Etcd3Config = EtcdConfig<typeof NAME>

export function isEtcd3(dcs: DcsConfig): dcs is Etcd3Config {
  return dcs.kind === NAME
}

/** What the settings are called that name its certificate files. */
export const SETTINGS = settingsOf(NAME)
