import { Buffer } from 'node:buffer'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import type { Rules } from './acl.ts'

/** One key, with the fields and in the order that Consul's JSON has. `Value` is base64, null when it is empty. */
export interface Entry {
  readonly LockIndex: number
  readonly Key: string
  readonly Flags: number
  readonly Value: string | null
  readonly Session?: string
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

/** One session, with the fields and in the order that Consul's JSON has. `LockDelay` in nanoseconds. */
export interface Session {
  readonly ID: string
  readonly Name: string
  readonly Node: string
  readonly LockDelay: number
  readonly Behavior: 'release' | 'delete'
  readonly TTL: string
  readonly NodeChecks: readonly string[]
  readonly ServiceChecks: null
  readonly CreateIndex: number
  readonly ModifyIndex: number
}

/** All that a snapshot has. `index` is that of the last write of any kind; the tables have one each, as in Consul. */
interface State {
  index: number
  tables: { kvs: number; tombstones: number; sessions: number }
  kvs: Record<string, Entry>
  tombstones: Record<string, number>
  sessions: Record<string, Session>
  policies: Record<string, Rules>
  tokens: Record<string, readonly string[]>
}

const EMPTY: State = {
  index: 1,
  tables: { kvs: 0, tombstones: 0, sessions: 0 },
  ...{ kvs: {}, tombstones: {}, sessions: {}, policies: {}, tokens: {} },
}
/** As Consul has it, which it cannot be told otherwise. */
const TOMBSTONE_TTL_MS = 15 * 60_000

export type Listing = { readonly index: number; readonly entries: readonly Entry[] }
type Write = Partial<Pick<Entry, 'Flags' | 'Value'>>

/** The tables of Consul's state store: agent/consul/state of its source. Kept in a file. */
export class Store {
  readonly #file: string
  #state: State
  /** Until when (`performance.now()`) a key that a session lost cannot be locked. */
  readonly #lockDelays = new Map<string, number>()
  /** Called after each write. */
  onWrite: () => void = () => undefined

  constructor(file: string) {
    this.#file = file
    this.#state = read(file)
    this.#reapLater(this.index)
  }

  get sessions(): readonly Session[] {
    return Object.values(this.#state.sessions).sort((a, b) => compare(a.ID, b.ID))
  }

  get sessionIndex(): number {
    return this.#state.tables.sessions
  }

  get index(): number {
    return this.#state.index
  }

  get kvIndex(): number {
    return Math.max(this.#state.tables.kvs, this.#state.tables.tombstones)
  }

  get(key: string): Listing {
    const entry = this.#state.kvs[key]
    return entry === undefined ? { index: this.kvIndex, entries: [] } : { index: entry.ModifyIndex, entries: [entry] }
  }

  /** The keys below a prefix: the index is that of the newest one or of the newest tombstone, else that of the store. */
  list(prefix: string): Listing {
    const below = Object.values(this.#state.kvs).filter(({ Key }) => Key.startsWith(prefix))
    const stones = Object.entries(this.#state.tombstones).filter(([key]) => key.startsWith(prefix))
    const newest = Math.max(0, ...below.map(({ ModifyIndex }) => ModifyIndex), ...stones.map(([, index]) => index))
    const entries = below.sort((a, b) => compare(a.Key, b.Key))
    return { index: prefix === '' || newest === 0 ? this.kvIndex : newest, entries }
  }

  session(id: string): Session | undefined {
    return this.#state.sessions[id]
  }

  put(key: string, write: Write): boolean {
    return this.#apply((index) => this.#set(key, index, write))
  }

  putIf(key: string, modifyIndex: number, write: Write): boolean {
    return this.#apply((index) => {
      if ((this.#state.kvs[key]?.ModifyIndex ?? 0) !== modifyIndex) return false
      return this.#set(key, index, write)
    })
  }

  /** @param session that exists. */
  acquire(key: string, session: string, write: Write): boolean {
    if ((this.#lockDelays.get(key) ?? 0) > performance.now()) return false
    return this.#apply((index) => {
      const { Session: holder, LockIndex = 0 } = this.#state.kvs[key] ?? {}
      if (holder !== undefined && holder !== session) return false
      const lockIndex = holder === session ? LockIndex : LockIndex + 1
      return this.#set(key, index, { ...write, LockIndex: lockIndex, Session: session })
    })
  }

  release(key: string, session: string, write: Write): boolean {
    return this.#apply((index) => {
      const existing = this.#state.kvs[key]
      if (existing?.Session !== session) return false
      return this.#set(key, index, { ...write, LockIndex: existing.LockIndex, Session: undefined })
    })
  }

  delete(key: string): boolean {
    return this.#apply((index) => this.#delete(key, index))
  }

  /** True also when the key is not there. */
  deleteIf(key: string, modifyIndex: number): boolean {
    return this.#apply((index) => {
      const existing = this.#state.kvs[key]
      if (existing !== undefined && existing.ModifyIndex !== modifyIndex) return false
      return this.#delete(key, index)
    })
  }

  /** One tombstone stands for all. */
  deleteTree(prefix: string): boolean {
    return this.#apply((index) => {
      const keys = Object.keys(this.#state.kvs).filter((key) => key.startsWith(prefix))
      for (const key of keys) Reflect.deleteProperty(this.#state.kvs, key)
      if (keys.length > 0) this.#state.tables.kvs = index
      if (keys.length > 0 && prefix !== '') this.#bury(prefix, index)
      return true
    })
  }

  createSession(session: Omit<Session, 'CreateIndex' | 'ModifyIndex'>): void {
    this.#apply((index) => {
      this.#state.sessions[session.ID] = { ...session, CreateIndex: index, ModifyIndex: index }
      this.#state.tables.sessions = index
      return true
    })
  }

  /** Its keys go, or are released, at one index. */
  destroySession(id: string): void {
    this.#apply((index) => {
      const session = this.#state.sessions[id]
      if (session === undefined) return true
      Reflect.deleteProperty(this.#state.sessions, id)
      this.#state.tables.sessions = index
      const held = Object.values(this.#state.kvs).filter(({ Session }) => Session === id)
      for (const { Key, Value, Flags, LockIndex } of held) {
        if (session.Behavior === 'delete') this.#delete(Key, index)
        else this.#set(Key, index, { Value, Flags, LockIndex, Session: undefined })
        if (session.LockDelay > 0) this.#lockDelays.set(Key, performance.now() + session.LockDelay / 1e6)
      }
      return true
    })
  }

  /** Deletes the tombstones of now; Consul does it 15 minutes after a deletion. The index of a prefix can fall by it. */
  reapTombstones(until = this.index): void {
    this.#apply(() => {
      const { tombstones } = this.#state
      for (const [key, index] of Object.entries(tombstones)) {
        if (index <= until) Reflect.deleteProperty(tombstones, key)
      }
      return true
    })
  }

  addPolicy(name: string, rules: Rules): void {
    this.#apply(() => {
      this.#state.policies[name] = rules
      return true
    })
  }

  addToken(secret: string, policies: readonly string[]): void {
    this.#apply(() => {
      this.#state.tokens[secret] = policies
      return true
    })
  }

  /** What a token may do; undefined: there is no such token. */
  rulesOf(secret: string): readonly Rules[] | undefined {
    return this.#state.tokens[secret]?.map((name) => this.#state.policies[name] ?? {})
  }

  snapshot(): string {
    return JSON.stringify(this.#state)
  }

  /** The tables become what they were, with their indexes; the index of the next write is still higher than any before. */
  restore(snapshot: string): void {
    const last = this.index
    this.#state = JSON.parse(snapshot) as State
    this.#state.index = Math.max(last, this.#state.index)
    this.#apply(() => true)
  }

  #apply(write: (index: number) => boolean): boolean {
    this.#state.index += 1
    const done = write(this.#state.index)
    writeFileSync(`${this.#file}.new`, this.snapshot())
    renameSync(`${this.#file}.new`, this.#file)
    this.onWrite()
    return done
  }

  /** A key keeps its session unless one is given; what would change nothing is no write. */
  #set(key: string, index: number, write: Write & { LockIndex?: number; Session?: string | undefined }): boolean {
    const existing = this.#state.kvs[key]
    const { LockIndex = 0, Flags = 0, Value = null } = write
    const session = 'Session' in write ? write.Session : existing?.Session
    const entry: Entry = {
      ...{ LockIndex, Key: key, Flags, Value, ...(session === undefined ? {} : { Session: session }) },
      ...{ CreateIndex: existing?.CreateIndex ?? index, ModifyIndex: existing?.ModifyIndex ?? index },
    }
    if (JSON.stringify(existing) === JSON.stringify(entry)) return true
    this.#state.kvs[key] = { ...entry, ModifyIndex: index }
    this.#state.tables.kvs = index
    return true
  }

  #delete(key: string, index: number): boolean {
    if (this.#state.kvs[key] === undefined) return true
    Reflect.deleteProperty(this.#state.kvs, key)
    this.#state.tables.kvs = index
    this.#bury(key, index)
    return true
  }

  #bury(key: string, index: number): void {
    this.#state.tombstones[key] = index
    this.#state.tables.tombstones = index
    this.#reapLater(index)
  }

  #reapLater(index: number): void {
    setTimeout(() => this.reapTombstones(index), TOMBSTONE_TTL_MS).unref()
  }
}

function read(file: string): State {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as State
  } catch {
    return structuredClone(EMPTY) // The first start.
  }
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
