/** A kind of DCS of which the router has never heard: it is one of Patroni's, and all in memory. */
import type { DcsConfig } from '../../../../src/config/config.ts'
import { addresses } from '../../../../src/config/env-values.ts'
import { mappingOf } from '../../../../src/text/unknown-shape.ts'
import { parseCluster } from '../../../../src/watcher/cluster.ts'
import type { DcsKind } from '../../../../src/watcher/dcs/kind.ts'

export interface ToyConfig extends DcsConfig {
  readonly kind: 'toy'
  readonly hosts: readonly string[]
}

/** What is in it, by the name of a key below the prefix of the cluster. */
export const KEYS: Readonly<Record<string, string>> = {
  initialize: '7268616322854375442',
  leader: 'pg1',
  'members/pg1': JSON.stringify({ conn_url: 'postgres://127.0.0.1:1/', role: 'primary', state: 'running' }),
}

export const toy: DcsKind<ToyConfig> = {
  name: 'toy',
  patroni: {
    keys: ['hosts', 'colour'],
    words: { endpoints: 'hosts' },
    variables: { HOSTS: addresses },
    login: [],
    library: 'toy',
  },
  needed: { key: 'hosts', how: 'set toy.hosts' },
  addresses: ['hosts'],
  passwords: [],
  form: { properties: { hosts: { type: 'array', description: 'Addresses of the toy.' } } },
  hasKeys: true,
  resolve(section) {
    const { hosts } = mappingOf(section)
    if (!Array.isArray(hosts))
      return { value: null, faults: [{ path: ['toy', 'hosts'], message: 'has to be a list' }], warnings: [] }
    return { value: { kind: 'toy', hosts: hosts.map(String) }, faults: [], warnings: [] }
  },
  identify: ({ hosts }, { scope }) => [hosts, scope],
  describe: ({ hosts }) => `toy at ${hosts.join(', ')}`,
  create: ({ hosts }) => ({
    ...{ kind: 'toy', leaderFrom: 'lock', absence: 'the toy is empty' },
    async *observe(signal) {
      const [endpoint = ''] = hosts
      const keys = Object.entries(KEYS).map(([key, value]) => [key, { value, session: '1' }] as const)
      yield { type: 'snapshot', cluster: parseCluster(new Map(keys)), restored: false, endpoint }
      await ended(signal)
    },
  }),
  createKeys: () => ({
    async *observe(root, signal) {
      yield { type: 'keys', keys: new Map([[root, 'red']]) }
      await ended(signal)
    },
  }),
}

async function ended(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
}
