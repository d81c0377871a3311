import { Lookups } from '../../../src/names/lookups.ts'
import { etcdDcs } from '../../../src/watcher/dcs/etcd/etcd-dcs.ts'
import type { Etcd2Config } from '../../../src/watcher/dcs/etcd/section.ts'
import { SourceObserver } from './observer.ts'

type Settings = {
  readonly endpoints: readonly string[]
  readonly prefix?: string
  readonly useProxies?: boolean
  readonly intervalMs?: number
  readonly timeoutMs?: number
  readonly discoverMs?: number
  /** User, password, certificates. */
  readonly access?: Partial<Pick<Etcd2Config, 'protocol' | 'auth' | 'caFile' | 'certFile' | 'keyFile'>>
  readonly srv?: Etcd2Config['srv']
  readonly lookups?: Lookups
}

const OPEN = { protocol: 'http', auth: null, caFile: null, certFile: null, keyFile: null } as const

/** Records everything that an etcd tells over API v2. */
export class Etcd2Observer extends SourceObserver {
  /** What it has logged. */
  readonly lines: string[]

  constructor({
    endpoints,
    prefix = '/service/demo/',
    useProxies = true,
    intervalMs = 300,
    // A busy machine is no loss.
    timeoutMs = 5000,
    discoverMs = 60_000,
    access = {},
    srv = null,
    lookups = new Lookups(),
  }: Settings) {
    const config = { kind: 'etcd', endpoints, srv, useProxies, ...OPEN, ...access } as const
    const lines: string[] = []
    const tell = (_fields: object, message: string): void => void lines.push(message)
    const log = { debug: tell, info: tell, warn: tell, error: tell }
    const survey = { place: { namespace: 'service', scope: 'demo', group: null }, followed: [] }
    super(etcdDcs({ config, prefix, survey, intervalMs, timeoutMs, discoverMs, lookups, log }))
    this.lines = lines
  }

  /** The messages of the losses. */
  get reasons(): string[] {
    return this.losses.map(({ error }) => error.message)
  }
}
