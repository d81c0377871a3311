/** Notices that a path leads to something else, or that what is there has changed. */
import { type FSWatcher, watch } from 'node:fs'
import { readlink, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join } from 'node:path'
import { failureOf } from '../../errors.ts'

interface Watched {
  readonly watcher: FSWatcher
  /** What was at the path when the watch began: a watch stays with that, wherever it is moved. */
  readonly identity: string
  names: ReadonlySet<string>
}

/** As many symbolic links as Linux follows. */
const MAX_LINKS = 40

/**
 * Watches one path by the directories in which its way is decided: the one of the file, those of the symbolic links on
 * the way (Kubernetes replaces `..data` and never the file), and where something is missing the one where it would
 * appear. It only makes changes noticed sooner: where watching is impossible (NFS, no inotify left) it stays silent.
 */
export class PathWatch {
  readonly #path: string
  readonly #onChange: () => void
  readonly #watched = new Map<string, Watched>()
  #closed = false

  /** `path` is absolute. Watches nothing yet. */
  constructor(path: string, onChange: () => void) {
    this.#path = path
    this.#onChange = onChange
  }

  /**
   * Finds the way again and watches it; to be called before each reading, so that no change falls in between. Never
   * rejects.
   */
  async update(): Promise<void> {
    const wanted = new Map<string, { identity: string; names: ReadonlySet<string> }>()
    for (const [target, names] of await decidingPlaces(this.#path)) {
      const stats = await stat(target, { bigint: true }).catch(() => null)
      if (stats !== null) wanted.set(target, { identity: `${stats.dev}:${stats.ino}`, names })
    }
    if (this.#closed) return
    let added = false
    for (const [target, { identity }] of this.#watched)
      if (wanted.get(target)?.identity !== identity) this.#drop(target)
    for (const [target, { identity, names }] of wanted) {
      const watched = this.#watched.get(target)
      if (watched !== undefined) watched.names = names
      else added = this.#add(target, identity, names) || added
    }
    // The way may have changed between its finding and the new watches.
    if (added) this.#onChange()
  }

  /** Ends the watches. Idempotent. */
  close(): void {
    this.#closed = true
    for (const target of [...this.#watched.keys()]) this.#drop(target)
  }

  #add(target: string, identity: string, names: ReadonlySet<string>): boolean {
    try {
      const watcher = watch(target)
      const watched: Watched = { watcher, identity, names }
      this.#watched.set(target, watched)
      const self = basename(target)
      watcher.on('change', (type, name) => {
        // Removed or moved itself: its watch is of no more use, even if the next one of that name looks the same.
        const gone = type === 'rename' && name === self
        if (gone && this.#watched.get(target) === watched) this.#drop(target)
        if (gone || typeof name !== 'string' || watched.names.has(name)) this.#onChange()
      })
      watcher.on('error', () => {
        if (this.#watched.get(target) === watched) this.#drop(target)
      })
      return true
    } catch {
      // No inotify left, or gone already: the next call tries again, and until then the reader looks by itself.
      return false
    }
  }

  #drop(target: string): void {
    this.#watched.get(target)?.watcher.close()
    this.#watched.delete(target)
  }
}

/** Finds what to watch for which names: directories, and the file itself, which can be written under another name. */
async function decidingPlaces(path: string): Promise<ReadonlyMap<string, ReadonlySet<string>>> {
  const places = new Map<string, Set<string>>()
  const add = (target: string, name: string): void => {
    places.set(target, (places.get(target) ?? new Set()).add(name))
  }
  let directory = '/'
  const rest = path.split('/')
  for (let links = 0; ;) {
    const name = rest.shift()
    if (name === undefined) return places
    if (name === '' || name === '.') continue
    const next = name === '..' ? dirname(directory) : join(directory, name)
    const link = await readlink(next).catch((error: unknown) =>
      failureOf(error) === 'missing' ? ({ missing: true } as const) : null,
    )
    if (link === null) {
      if (rest.length === 0) {
        add(directory, name)
        add(next, name)
      }
      directory = next
    } else {
      add(directory, name)
      if (typeof link !== 'string' || ++links > MAX_LINKS) return places
      if (isAbsolute(link)) directory = '/'
      rest.unshift(...link.split('/'))
    }
  }
}
