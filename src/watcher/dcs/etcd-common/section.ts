import type { DcsConfig } from '../../../config/config.ts'
import type { Srv } from './srv.ts'
export interface EtcdConfig extends DcsConfig {
  readonly endpoints: readonly string[]
  readonly srv: Srv | null
  readonly protocol: 'http' | 'https'
  readonly useProxies: boolean
  readonly auth: { readonly username: string; readonly password: string } | null
  readonly caFile: string | null
  readonly certFile: string | null
  readonly keyFile: string | null
}
