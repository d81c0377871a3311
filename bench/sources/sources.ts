import { ConsulDcs } from '../../test/support/consul/consul-dcs.ts'
import { isRealConsul } from '../../test/support/consul/server.ts'
import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { EtcdV2Cluster } from '../../test/support/etcd/v2-cluster.ts'
import type { PatroniDcs } from '../../test/support/patroni/dcs.ts'

/** A DCS that is running. */
export interface RunningSource {
  readonly dcs: PatroniDcs
  /** Puts a key such as `/service/demo/leader`. */
  readonly put: (key: string, value: string) => Promise<unknown>
  /** What the description of the machine does not say of it; null: nothing. */
  readonly remark: string | null
}

/** A DCS that the router reads natively. */
export interface Source {
  /** Of its samples. */
  readonly key: PatroniDcs['name']
  readonly title: string
  /** Starts one server of it. */
  readonly start: () => Promise<RunningSource>
}

/** All of them; the others are compared with the first. */
export const SOURCES: readonly Source[] = [
  {
    key: 'etcd3',
    title: 'etcd v3',
    start: async () => {
      const dcs = await EtcdCluster.start()
      return { dcs, put: (key, value) => dcs.client.put(key, value), remark: null }
    },
  },
  {
    key: 'etcd',
    title: 'etcd v2',
    start: async () => {
      const dcs = await EtcdV2Cluster.start()
      return { dcs, put: (key, value) => dcs.client.set(key, value), remark: null }
    },
  },
  {
    key: 'consul',
    title: 'Consul',
    start: async () => {
      const dcs = await ConsulDcs.start()
      return { dcs, put: (key, value) => dcs.client.put(key, value), remark: await consulRemark(dcs) }
    },
  },
]

/** Returns which Consul a run has: of the run, not of the process that prints the table, since results are printed elsewhere, too. */
export async function consulRemark({ client }: ConsulDcs): Promise<string> {
  const { Config } = JSON.parse(await client.call('GET', 'agent/self')) as { Config: { Version: string } }
  return isRealConsul ? `Consul is ${Config.Version}.` : 'Consul is a fake that passes the same contract suite.'
}
