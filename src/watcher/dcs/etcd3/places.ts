/** Which Patroni clusters the names of keys show in an etcd, page by page. */
import { type Found, placesOf } from '../scopes.ts'
import type { SurveyKind } from '../survey.ts'
import type { EtcdConnection } from './connection.ts'

/** Keys a question, and questions for one look: what others keep there can be as much as etcd holds. */
const PAGE = 500
const MAX_PAGES = 20

export const SURVEY: SurveyKind<EtcdConnection> = {
  name: 'etcd',
  hint:
    'is it the right one, and does Patroni use its section etcd3? (with its section etcd it uses API v2, which is not ' +
    'visible here)',
  find: findPlaces,
}

/**
 * Finds the clusters below a path that ends with a slash. Of a scope that has a whole page of keys the first ones tell
 * whether it is one; where the namespace is not known, a page of keys can be one with many scopes.
 */
async function findPlaces(connection: EtcdConnection, below: string, namespace: string | null): Promise<Found> {
  const keys: string[] = []
  const paths = [below]
  let isAll = true
  let pages = 0
  for (let path = paths.shift(); path !== undefined; path = paths.shift()) {
    const childOf = (key = ''): string => key.slice(path.length).split('/', 1)[0] ?? ''
    for (let from: string | null = path; from !== null;) {
      if (++pages > MAX_PAGES) return { places: placesOf(keys, namespace), isAll: false }
      const { names, more } = await connection.names(from, `${path.slice(0, -1)}0`, PAGE)
      keys.push(...names)
      const last = childOf(names.at(-1))
      const isFull = more && childOf(names[0]) === last
      if (isFull && namespace === null) {
        if (path === below) paths.push(`${path}${last}/`)
        else isAll = false
      }
      from = more ? `${path}${last}${isFull ? '0' : '/'}` : null
    }
  }
  return { places: placesOf(keys, namespace), isAll }
}
