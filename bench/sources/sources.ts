import { ConsulDcs } from '../../test/support/consul/consul-dcs.ts'
import { EtcdCluster } from '../../test/support/etcd/cluster.ts'
import { EtcdV2Cluster } from '../../test/support/etcd/v2-cluster.ts'
import { kubernetesWriter } from '../../test/support/kubernetes/key-writer.ts'
import { KubernetesDcs } from '../../test/support/kubernetes/kubernetes-dcs.ts'
import type { PatroniDcs } from '../../test/support/patroni/dcs.ts'
import { ZooKeeperEnsemble } from '../../test/support/zookeeper/ensemble.ts'
import { KubernetesLock } from './kubernetes-lock.ts'

/** A DCS that is running. */
export interface RunningSource {
  readonly dcs: PatroniDcs
  /** Puts a key such as `/service/demo/leader`, in one request where it is there already. */
  readonly put: (key: string, value: string) => Promise<unknown>
}

/** A DCS that the router reads natively. */
export interface Source {
  /** Of its samples. */
  readonly key: string
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
      return { dcs, put: (key, value) => dcs.client.put(key, value) }
    },
  },
  {
    key: 'etcd',
    title: 'etcd v2',
    start: async () => {
      const dcs = await EtcdV2Cluster.start()
      return { dcs, put: (key, value) => dcs.client.set(key, value) }
    },
  },
  {
    key: 'consul',
    title: 'Consul',
    start: async () => {
      const dcs = await ConsulDcs.start()
      return { dcs, put: (key, value) => dcs.client.put(key, value) }
    },
  },
  {
    key: 'zookeeper',
    title: 'ZooKeeper',
    start: async () => {
      const dcs = await ZooKeeperEnsemble.start()
      return { dcs, put: (key, value) => dcs.client.put(key, value) }
    },
  },
  kubernetes('kubernetes-endpoints', 'Kubernetes, Endpoints', true),
  kubernetes('kubernetes-configmaps', 'Kubernetes, ConfigMaps', false),
]

function kubernetes(key: string, title: string, useEndpoints: boolean): Source {
  return {
    ...{ key, title },
    start: async () => {
      const dcs = await KubernetesDcs.start({ useEndpoints })
      return { dcs, put: kubernetesPut(dcs) }
    },
  }
}

function kubernetesPut(dcs: KubernetesDcs): RunningSource['put'] {
  const writer = kubernetesWriter(dcs)
  const locks = new Map<string, KubernetesLock>()
  return async (key, value) => {
    if (!key.endsWith('/leader')) return writer.put(key, value)
    const lock = locks.get(key)
    if (lock !== undefined) return lock.give(value)
    const made = new KubernetesLock(dcs, key)
    locks.set(key, made)
    return made.create(value)
  }
}
