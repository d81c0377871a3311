/** The nodes of ZooKeeper that have been read, kept up to date by what comes later. Pure. */
import { textOfBytes } from '../../../text/binary-text.ts'
import type { ListedKey } from '../listing.ts'
import type { Stat } from './protocol.ts'

/** The node that is above all others. */
const TOP = '/'

interface Znode {
  readonly key: ListedKey
  /** Names of the nodes right below it that are known to be there. */
  readonly children: Set<string>
}

export class Znodes {
  readonly #nodes = new Map<string, Znode>()

  /** Takes the data of a node. */
  put(path: string, data: Buffer, { czxid, mzxid }: Stat): void {
    const before = this.#nodes.get(path)
    const session = String(czxid)
    const isSame = before?.key.modified === mzxid && before.key.session === session
    const key = isSame ? before.key : { value: textOfBytes(data), session, modified: mzxid }
    this.#nodes.set(path, { key, children: before?.children ?? new Set() })
    if (path !== TOP) this.#nodes.get(parentOf(path))?.children.add(path)
  }

  /** Takes that a node is not there, and nothing below it. */
  remove(path: string): void {
    for (const child of this.#nodes.get(path)?.children ?? []) this.remove(child)
    this.#nodes.delete(path)
    this.#nodes.get(parentOf(path))?.children.delete(path)
  }

  /** Takes the full names of all nodes right below one. */
  keepOnly(path: string, children: readonly string[]): void {
    const there = new Set(children)
    for (const child of this.#nodes.get(path)?.children ?? []) if (!there.has(child)) this.remove(child)
  }

  /** Returns all as keys. */
  keys(): ReadonlyMap<string, ListedKey> {
    const keys = new Map<string, ListedKey>()
    for (const [path, { key, children }] of this.#nodes)
      keys.set(path, key.value === '' && children.size > 0 ? { ...key, isDirectory: true } : key)
    return keys
  }
}

/** Returns the full name of a node below another. */
export function childOf(path: string, name: string): string {
  return path === '/' ? `/${name}` : `${path}/${name}`
}

/** Returns the full name of the node right above one. */
export function parentOf(path: string): string {
  return path.slice(0, Math.max(1, path.lastIndexOf('/')))
}
