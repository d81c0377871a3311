import type { KeyWriter, Lease } from '../patroni/key-writer.ts'
import type { KubernetesDcs } from './kubernetes-dcs.ts'
import { makePod } from './kubernetes-dcs.ts'
import { objectsPath, STRATEGIC } from './client.ts'
import {
  annotationsOf,
  holderOf,
  labelsOf,
  LABELS,
  parseKey,
  selectorQuery,
  type KubePlace,
} from './patroni-objects.ts'

const TTL_S = 30

/** Writes keys as Patroni does in Kubernetes: the namespace is the first part of a key, a member is a Pod. */
export function kubernetesWriter(dcs: KubernetesDcs): KeyWriter {
  const { client, server, useEndpoints } = dcs
  const split = (key: string): { readonly place: KubePlace; readonly rest: string } => {
    const { rest, ...whose } = parseKey(key)
    return { place: { ...whose, useEndpoints }, rest }
  }

  /** Changes annotations of the object that has a key; makes it where it is not there. */
  const annotate = async (key: string, annotations: Readonly<Record<string, string | null>>): Promise<void> => {
    const { place, rest } = split(key)
    const { resource, name } = holderOf(place, rest)
    if (resource === 'pods') await makePod(client, { ...place, rest }, name)
    const path = objectsPath(resource, place.namespace, name)
    const body = { metadata: { labels: labelsOf(place), annotations } }
    const { status, text } = await client.request('PATCH', path, { body, contentType: STRATEGIC })
    if (status === 404) {
      const set = Object.fromEntries(Object.entries(annotations).filter(([, value]) => value !== null))
      await client.create(resource, place.namespace, { metadata: { name, labels: labelsOf(place), annotations: set } })
    } else if (status !== 200) throw new Error(`kubernetes PATCH ${path}: ${status} ${text}`)
  }

  const recordOf = async (key: string) => {
    const { place, rest } = split(key)
    const { resource, name } = holderOf(place, rest)
    const object = await client.get(resource, place.namespace, name)
    return { annotations: object?.metadata.annotations ?? {}, version: object?.metadata.resourceVersion }
  }

  /** Takes the lock whoever has it; a version is that of the record it was decided by. */
  const take = async (key: string, value: string, ttlSeconds: number, before: Readonly<Record<string, string>>) => {
    const now = new Date().toISOString()
    const isSame = before['leader'] === value
    const transitions = Number(before['transitions'] ?? -1) + (isSame ? 0 : 1)
    const acquireTime = isSame ? (before['acquireTime'] ?? now) : now
    const record = { leader: value, ttl: String(ttlSeconds), renewTime: now, acquireTime }
    await annotate(key, { ...record, transitions: String(Math.max(0, transitions)) })
  }

  const put = async (key: string, value: string): Promise<void> => {
    const { rest } = split(key)
    if (rest === 'leader') await take(key, value, TTL_S, (await recordOf(key)).annotations)
    else await annotate(key, annotationsOf(rest, value))
  }

  return {
    put: (key, value) => put(key, value.toString()),
    async delete(key) {
      const { place, rest } = split(key)
      const { resource, name } = holderOf(place, rest)
      if (resource === 'pods') await client.delete(resource, place.namespace, name)
      else if ((await client.get(resource, place.namespace, name)) !== null) {
        await annotate(key, annotationsOf(rest, null))
      }
    },
    async deleteBelow(key) {
      const { scope, group, namespace, rest } = parseKey(key)
      const query = selectorQuery(scope === '' ? LABELS : labelsOf({ scope, group }))
      const kind = useEndpoints ? 'endpoints' : 'configmaps'
      for (const resource of rest === 'members' ? ['pods'] : ['pods', kind]) {
        await client.call('DELETE', `${objectsPath(resource, namespace)}?${query}`)
      }
    },
    lease: (ttlSeconds) => Promise.resolve(leaseOf(ttlSeconds)),
    async keep() {
      return server.keep()
    },
  }

  function leaseOf(ttlSeconds: number): Lease {
    const locked = new Map<string, string>()
    const renew = async (ttl: number): Promise<void> => {
      for (const [key, value] of locked) {
        const { annotations } = await recordOf(key)
        if (annotations['leader'] !== value) continue
        await annotate(key, { ttl: String(ttl), renewTime: new Date().toISOString() })
      }
    }
    return {
      touch: put,
      async lock(key, value) {
        const { annotations } = await recordOf(key)
        const { leader, ttl = '0', renewTime = '' } = annotations
        const isHeld = leader !== undefined && Date.parse(renewTime) + Number(ttl) * 1_000 > Date.now()
        if (isHeld) return false
        await take(key, value, ttlSeconds, annotations)
        locked.set(key, value)
        return true
      },
      renew: () => renew(ttlSeconds),
      // What it was last is left, for who counts transitions.
      async unlock(key) {
        locked.delete(key)
        await annotate(key, { leader: null })
      },
      // Nothing vanishes in Kubernetes: nobody renews the lock any more, and its time is short from now on.
      lapse: () => renew(1),
    }
  }
}
