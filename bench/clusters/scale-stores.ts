import { SYSTEM_ID } from '../../test/integration/watcher/fake-member.ts'
import { kubernetesWriter } from '../../test/support/kubernetes/key-writer.ts'
import { KubernetesDcs, makePod } from '../../test/support/kubernetes/kubernetes-dcs.ts'
import { parseKey } from '../../test/support/kubernetes/patroni-objects.ts'
import type { PatroniDcs } from '../../test/support/patroni/dcs.ts'
import { ZooKeeperEnsemble } from '../../test/support/zookeeper/ensemble.ts'
import { KubernetesLock } from '../sources/kubernetes-lock.ts'
import { memberOf, scopeOf } from './scope.ts'

const CONFIG = JSON.stringify({ ttl: 30, loop_wait: 10 })
/** Pods of others in the namespace. */
export const OTHERS = 1_000
/** So many are made at the same time. */
const AT_ONCE = 8

export interface MemberKey {
  readonly name: string
  readonly key: string
}

/** A DCS with many clusters, and what Patroni writes there. */
export interface Store {
  readonly dcs: PatroniDcs
  /** Makes all keys of a cluster, whose first member leads. */
  readonly found: (cluster: number, members: readonly MemberKey[]) => Promise<void>
  /** Writes what a leader renews; `position`: that of its WAL. */
  readonly renew: (cluster: number, position: number | null) => Promise<void>
  /** Writes what a member says of itself. */
  readonly touch: (cluster: number, member: MemberKey) => Promise<void>
  readonly lead: (cluster: number, member: string) => Promise<void>
}

/** Starts Kubernetes with Endpoints, and with Pods of others in the namespace. */
export async function kubernetesStore(): Promise<Store> {
  const dcs = await KubernetesDcs.start({ useEndpoints: true, durable: false })
  const { client, namespace } = dcs
  const writer = kubernetesWriter(dcs)
  const locks = new Map<number, KubernetesLock>()
  const lock = (cluster: number): KubernetesLock => {
    const found = locks.get(cluster)
    if (found === undefined) throw new Error(`there is no cluster ${scopeOf(cluster)}`)
    return found
  }
  const touch: Store['touch'] = async (_, { name, key }) => {
    await client.patch('pods', namespace, name, { metadata: { annotations: { status: key } } })
  }
  await inLanes(OTHERS, (index) => client.create('pods', namespace, otherPod(index)))
  return {
    ...{ dcs, touch },
    async found(cluster, members) {
      const prefix = `/${namespace}/${scopeOf(cluster)}/`
      for (const member of members) {
        await makePod(client, parseKey(prefix), member.name)
        await touch(cluster, member)
      }
      await writer.put(`${prefix}initialize`, SYSTEM_ID)
      await writer.put(`${prefix}config`, CONFIG)
      const made = new KubernetesLock(dcs, `${prefix}leader`)
      await made.create(memberOf(cluster, 0))
      locks.set(cluster, made)
    },
    renew: (cluster, position) => lock(cluster).renew(position === null ? {} : { optime: String(position) }),
    lead: (cluster, member) => lock(cluster).give(member),
  }
}

/** Starts ZooKeeper. A lease is renewed by the session alone there, so a leader that renews writes its position each time. */
export async function zookeeperStore(): Promise<Store> {
  const dcs = await ZooKeeperEnsemble.start()
  const { client } = dcs
  const prefixOf = (cluster: number): string => `/service/${scopeOf(cluster)}/`
  let written = 0
  const touch: Store['touch'] = (cluster, { name, key }) => client.put(`${prefixOf(cluster)}members/${name}`, key)
  return {
    ...{ dcs, touch },
    async found(cluster, members) {
      for (const member of members) await touch(cluster, member)
      await client.put(`${prefixOf(cluster)}initialize`, SYSTEM_ID)
      await client.put(`${prefixOf(cluster)}config`, CONFIG)
      await client.put(`${prefixOf(cluster)}leader`, memberOf(cluster, 0))
    },
    renew: (cluster, position) =>
      client.put(`${prefixOf(cluster)}status`, JSON.stringify({ optime: position ?? written++ })),
    lead: (cluster, member) => client.put(`${prefixOf(cluster)}leader`, member),
  }
}

/** Does something for each of `count`, several at a time. */
export async function inLanes(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  let next = 0
  const lane = async (): Promise<void> => {
    while (next < count) await work(next++)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
}

/** Returns a Pod of a Deployment, of the usual size. */
function otherPod(index: number): object {
  const env = Array.from({ length: 20 }, (_, number) => ({ name: `SETTING_${number}`, value: `value-${number}` }))
  const container = { image: 'registry.example/team/web:1.2.3', env }
  const labels = { app: `web-${index % 50}`, 'pod-template-hash': '5d9f6c7b8' }
  return {
    metadata: { name: `web-${index}`, labels },
    spec: {
      containers: [
        { name: 'web', ...container },
        { name: 'proxy', ...container },
      ],
    },
  }
}
