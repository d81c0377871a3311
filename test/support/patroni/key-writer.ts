import { cpSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { fetch } from 'undici'
import { ConsulDcs } from '../consul/consul-dcs.ts'
import { EtcdCluster, type EtcdServer } from '../etcd/cluster.ts'
import { EtcdV2Cluster } from '../etcd/v2-cluster.ts'
import { kubernetesWriter } from '../kubernetes/key-writer.ts'
import { KubernetesDcs } from '../kubernetes/kubernetes-dcs.ts'
import type { ZooKeeperClient } from '../zookeeper/client.ts'
import { ZooKeeperEnsemble, type ZooKeeperServer } from '../zookeeper/ensemble.ts'
import type { PatroniDcs } from './dcs.ts'

/** What the keys of one Patroni last by: a lease of etcd v3 or Kubernetes, the TTL of each key in etcd v2, a session of Consul or ZooKeeper. */
export interface Lease {
  /** Writes the key of a member, anew or again. */
  touch(key: string, value: string): Promise<void>
  /** Takes the lock; whether there was none. */
  lock(key: string, value: string): Promise<boolean>
  /** Does what each of Patroni's loops does: the same values, where they are written at all. */
  renew(): Promise<void>
  /** Gives the lock up. */
  unlock(key: string, value: string): Promise<void>
  /** Has it end soon: its keys vanish as those of a Patroni that has crashed. In Kubernetes they stay and count no more. */
  lapse(): Promise<void>
}

/** Writes keys as Patroni does, in a DCS of any kind; keys are such as `/service/demo/leader`. */
export interface KeyWriter {
  put(key: string, value: string | Buffer): Promise<void>
  delete(key: string): Promise<void>
  /** Deletes all that is below a key at once. */
  deleteBelow(key: string): Promise<void>
  lease(ttlSeconds: number): Promise<Lease>
  /** Keeps all keys; what it returns makes everything as it was then. */
  keep(): Promise<() => Promise<void>>
}

export type WritableDcs = EtcdCluster | EtcdV2Cluster | ConsulDcs | ZooKeeperEnsemble | KubernetesDcs

/** The kinds of DCS that are read natively; an election of these etcds takes no second. */
export const WRITABLE: Readonly<Record<PatroniDcs['name'], () => Promise<WritableDcs>>> = {
  etcd3: () => EtcdCluster.start({ args: FAST }),
  etcd: () => EtcdV2Cluster.start({ args: FAST }),
  consul: () => ConsulDcs.start(),
  zookeeper: () => ZooKeeperEnsemble.start(),
  kubernetes: () => KubernetesDcs.start({ useEndpoints: true }),
}
const FAST = ['--heartbeat-interval', '20', '--election-timeout', '200']

/** Returns what writes the keys of a DCS. */
export function writerOf(dcs: WritableDcs): KeyWriter {
  if (dcs instanceof EtcdCluster) return etcd3Writer(dcs)
  if (dcs instanceof ZooKeeperEnsemble) return zookeeperWriter(dcs)
  if (dcs instanceof KubernetesDcs) return kubernetesWriter(dcs)
  return dcs instanceof EtcdV2Cluster ? etcdWriter(dcs) : consulWriter(dcs)
}

function etcd3Writer(etcd: EtcdCluster): KeyWriter {
  const { client } = etcd
  const base64 = (bytes: string | Buffer): string => Buffer.from(bytes).toString('base64')
  return {
    put: async (key, value) => {
      await client.call('kv/put', { key: base64(key), value: base64(value) })
    },
    delete: async (key) => {
      await client.delete(key)
    },
    deleteBelow: async (key) => {
      await client.deletePrefix(`${key}/`)
    },
    async lease(ttlSeconds) {
      const ID = await client.grant(ttlSeconds)
      return {
        touch: async (key, value) => {
          await client.put(key, value, ID)
        },
        async lock(key, value) {
          const { succeeded = false } = await client.call<{ readonly succeeded?: boolean }>('kv/txn', {
            compare: [{ key: base64(key), target: 'CREATE', create_revision: '0' }],
            success: [{ request_put: { key: base64(key), value: base64(value), lease: ID } }],
          })
          return succeeded
        },
        renew: async () => {
          await client.call('lease/keepalive', { ID })
        },
        unlock: async (key) => {
          await client.delete(key)
        },
        lapse: async () => client.revoke(ID),
      }
    },
    keep: () => keepData(etcd),
  }
}

function etcdWriter({ client, etcd }: EtcdV2Cluster): KeyWriter {
  const path = (key: string): string => key.split('/').map(encodeURIComponent).join('/')
  return {
    async put(key, value) {
      if (typeof value === 'string') {
        await client.set(path(key), value)
        return
      }
      const body = `value=${value.toString('hex').replace(/../g, '%$&')}`
      const headers = { 'content-type': 'application/x-www-form-urlencoded' }
      const answer = await fetch(`${client.endpoint}/v2/keys${path(key)}`, { method: 'PUT', body, headers })
      await answer.text()
      if (!answer.ok) throw new Error(`etcd v2 PUT ${key}: ${answer.status}`)
    },
    delete: async (key) => {
      await client.delete(path(key))
    },
    deleteBelow: async (key) => {
      await client.delete(path(key), { recursive: true })
    },
    async lease(ttlSeconds) {
      const touched = new Map<string, string>()
      const locked = new Map<string, string>()
      const renew = async (ttl: number): Promise<void> => {
        for (const [key, value] of locked) await client.compareAndSwap(path(key), value, { prevValue: value, ttl })
        for (const [key, value] of touched) await client.set(path(key), value, { ttl })
      }
      return Promise.resolve({
        async touch(key: string, value: string) {
          touched.set(key, value)
          await client.set(path(key), value, { ttl: ttlSeconds })
        },
        async lock(key: string, value: string) {
          const options = { ttl: ttlSeconds, prevExist: false }
          if ((await client.compareAndSwap(path(key), value, options)) === null) return false
          locked.set(key, value)
          return true
        },
        renew: () => renew(ttlSeconds),
        async unlock(key: string, value: string) {
          locked.delete(key)
          await client.delete(path(key), { prevValue: value })
        },
        lapse: () => renew(1),
      })
    },
    keep: () => keepData(etcd),
  }
}

function consulWriter({ client, server }: ConsulDcs): KeyWriter {
  const path = (key: string): string => `kv/${key.slice(1).split('/').map(encodeURIComponent).join('/')}`
  return {
    put: async (key, value) => {
      await client.call('PUT', path(key), value)
    },
    delete: (key) => client.delete(key),
    deleteBelow: (key) => client.deletePrefix(`${key}/`),
    async lease(ttlSeconds) {
      const session = await client.createSession({ ttlSeconds: ttlSeconds / 2 })
      return {
        async touch(key, value) {
          if (!(await client.acquire(key, value, session))) throw new Error(`another session holds ${key}`)
        },
        lock: (key, value) => client.acquire(key, value, session),
        renew: () => client.renewSession(session),
        async unlock(key) {
          const index = (await client.get(key))?.modRevision ?? 0
          await client.call('DELETE', `${path(key)}?cas=${index}`)
        },
        lapse: () => client.destroySession(session),
      }
    },
    async keep() {
      const kept = await client.snapshot()
      return async () => {
        await client.restore(kept)
        await server.ready()
      }
    },
  }
}

function zookeeperWriter({ client, server }: ZooKeeperEnsemble): KeyWriter {
  return {
    put: (key, value) => client.put(key, value),
    delete: async (key) => {
      await client.delete(key)
    },
    deleteBelow: (key) => client.deleteAll(key),
    lease: (ttlSeconds) => Promise.resolve(zookeeperLease(client.as(), ttlSeconds)),
    keep: () => keepFiles(server, join(server.dir, 'version-2'), join(server.dir, 'copy')),
  }
}

/** A session that ends like that of a process which no longer pings, when it is not used for its `ttl`. */
function zookeeperLease(session: ZooKeeperClient, ttlSeconds: number): Lease {
  let ends: NodeJS.Timeout | null = null
  const used = <T>(use: Promise<T>): Promise<T> => {
    clearTimeout(ends ?? undefined)
    ends = setTimeout(() => void session.close(), ttlSeconds * 1000)
    ends.unref()
    return use
  }
  return {
    touch: (key, value) =>
      used(
        session.create(key, value, { ephemeral: true }).then(async (isNew) => {
          if (!isNew) await session.put(key, value)
        }),
      ),
    lock: (key, value) => used(session.create(key, value, { ephemeral: true })),
    renew: () => used(Promise.resolve()),
    unlock: async (key) => {
      await used(session.delete(key))
    },
    lapse: () => session.close(),
  }
}

function keepData({ server, path }: EtcdCluster): Promise<() => Promise<void>> {
  return keepFiles(server, join(path, server.name, 'data'), join(path, `${server.name}.copy`))
}

/** Keeps a copy of the data of a server, which is stopped for it. */
async function keepFiles(
  server: EtcdServer | ZooKeeperServer,
  data: string,
  copy: string,
): Promise<() => Promise<void>> {
  await server.stop()
  cpSync(data, copy, { recursive: true })
  await server.start()
  return async () => {
    await server.stop()
    rmSync(data, { recursive: true })
    cpSync(copy, data, { recursive: true })
    await server.start()
  }
}
