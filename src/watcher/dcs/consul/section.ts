import type { DcsConfig } from '../../../config/config.ts'
export const SETTINGS = { ca: 'consul.cacert', cert: 'consul.cert', key: 'consul.key' }
export interface ConsulConfig extends DcsConfig {
  readonly endpoint: string
  readonly protocol: 'http' | 'https'
  readonly token: string | null
  readonly verify: boolean
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
  readonly dc: string | null
  readonly consistency: 'default' | 'consistent' | 'stale'
}
