import { Lookups } from '../../../src/names/lookups.ts'
import { consulDcs } from '../../../src/watcher/dcs/consul/consul-dcs.ts'
import type { ConsulConfig } from '../../../src/watcher/dcs/consul/section.ts'
import { SourceObserver } from './observer.ts'

export const INTERVAL_MS = 300
export const TIMEOUT_MS = 500

const OPEN = { protocol: 'http', token: null, verify: true, caFile: null, certFile: null, keyFile: null } as const

/** Records everything that a Consul tells of the cluster below `service/demo/`. */
export class ConsulObserver extends SourceObserver {
  readonly lines: string[]

  constructor(endpoint: string, access: Partial<ConsulConfig> = {}, intervalMs = INTERVAL_MS) {
    const more = { dc: null, consistency: 'default', variables: [] } as const
    const config: ConsulConfig = { kind: 'consul', endpoint, ...OPEN, ...more, ...access }
    const lines: string[] = []
    const tell = (_fields: object, message: string): void => void lines.push(message)
    const log = { debug: tell, info: tell, warn: tell, error: tell }
    const survey = { place: { namespace: 'service', scope: 'demo', group: null }, followed: [] }
    const times = { intervalMs, timeoutMs: TIMEOUT_MS }
    super(consulDcs({ config, prefix: '/service/demo/', survey, ...times, log, lookups: new Lookups() }))
    this.lines = lines
  }

  get reasons(): string[] {
    return this.losses.map(({ error }) => error.message)
  }
}
