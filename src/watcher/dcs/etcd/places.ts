/** Which Patroni clusters the directories of an etcd show, level by level: API v2 has no list of names alone. */
import { type Found, placesOf } from '../scopes.ts'
import type { SurveyKind } from '../survey.ts'
import type { EtcdConnection } from './connection.ts'

/** Directories for one look, and levels of them below where it begins. */
const MAX_DIRECTORIES = 60
const MAX_DEPTH = 4

/** What has nothing but keys of one cluster below it. */
const CLOSED = /\/(?:members|optime)$/

export const SURVEY: SurveyKind<EtcdConnection> = {
  name: 'etcd',
  hint:
    'is it the right one, and does Patroni use its section etcd? (with its section etcd3 it uses API v3, which is not ' +
    'visible here)',
  find: findPlaces,
}

async function findPlaces(connection: EtcdConnection, below: string, namespace: string | null): Promise<Found> {
  const keys: string[] = []
  const pending = [{ path: below.replace(/\/$/, ''), depth: 0 }]
  for (let looked = 0, next = pending.shift(); next !== undefined; next = pending.shift()) {
    if (++looked > MAX_DIRECTORIES) return { places: placesOf(keys, namespace), isAll: false }
    const { names, directories } = await connection.children(next.path)
    keys.push(...names)
    const { depth } = next
    if (depth < MAX_DEPTH)
      pending.push(...directories.filter((path) => !CLOSED.test(path)).map((path) => ({ path, depth: depth + 1 })))
  }
  return { places: placesOf(keys, namespace), isAll: true }
}
