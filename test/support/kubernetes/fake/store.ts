import { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { isDeepStrictEqual } from 'node:util'
import { textOf, without } from './patch.ts'
import { apiVersionOf, refusals, type KubeObject, type Resource } from './objects.ts'

/** One change. `object` is null when it was deleted, `previous` when it was made. */
export interface Change {
  readonly version: number
  readonly resource: string
  readonly object: KubeObject | null
  readonly previous: KubeObject | null
}

/** All that is kept: the objects by resource, namespace and name. */
interface State {
  version: number
  objects: Record<string, KubeObject>
}

/** What a request says of an object; the server adds the rest. */
export type Draft = Readonly<Record<string, unknown>> & { readonly metadata?: Readonly<Record<string, unknown>> }

/** More changes than that are not kept. */
const KEPT_CHANGES = 20_000

/** The objects, in one sequence of versions, with their changes. Kept in a file, where there is one, without the changes. */
export class Store {
  readonly #file: string | null
  #state: State
  #changes: Change[] = []
  /** What was before this version cannot be listed. */
  compacted: number
  /** What was before this version is not shown to watches, which have a cache of their own that begins with the start. */
  forgotten: number
  readonly #last = new Map<string, number>()
  /** Called after each change. */
  onChange: (change: Change) => void = () => undefined

  constructor(file: string | null) {
    this.#file = file
    this.#state = file === null ? emptyState() : read(file)
    this.compacted = 1
    this.forgotten = this.version
    if (this.version > 1) this.compacted = this.version
  }

  get version(): number {
    return this.#state.version
  }

  /** The version that the cache of a resource has: of its last change, or of the start. */
  cached(resource: string): number {
    return this.#last.get(resource) ?? this.forgotten
  }

  /** Whether a resource was changed since the start. */
  hasChanged(resource: string): boolean {
    return this.#last.has(resource)
  }

  get(resource: Resource, namespace: string, name: string): KubeObject | undefined {
    return this.#state.objects[pathOf(resource.name, namespace, name)]
  }

  /** @throws {Refusal} 404 */
  require(resource: Resource, namespace: string, name: string): KubeObject {
    const found = this.get(resource, namespace, name)
    if (found === undefined) throw refusals.notFound(resource, name)
    return found
  }

  /** The objects of a namespace in their order. @param version as of which; a compacted one is the caller's to refuse. */
  list(resource: string, namespace: string, version = this.version): KubeObject[] {
    const objects = new Map(Object.entries(this.#state.objects))
    for (const change of this.#changes.toReversed()) {
      if (change.version <= version) break
      const { metadata } = change.object ?? change.previous ?? {}
      if (metadata === undefined) continue
      const path = pathOf(change.resource, metadata.namespace, metadata.name)
      if (change.previous === null) objects.delete(path)
      else objects.set(path, change.previous)
    }
    const prefix = pathOf(resource, namespace, '')
    const paths = [...objects.keys()].filter((path) => path.startsWith(prefix))
    return paths.sort(compare).flatMap((path) => objects.get(path) ?? [])
  }

  /** The objects of all namespaces. */
  all({ name }: Resource): KubeObject[] {
    return Object.entries(this.#state.objects).flatMap(([path, object]) => (path.startsWith(`${name}/`) ? object : []))
  }

  /** The changes of a resource since a version. */
  since(resource: string, version: number): readonly Change[] {
    return this.#changes.filter((change) => change.resource === resource && change.version > version)
  }

  /** @throws {Refusal} 409 */
  create(resource: Resource, namespace: string, draft: Draft): KubeObject {
    const { metadata = {}, ...rest } = draft
    const name = textOf(metadata['name'])
    if (this.get(resource, namespace, name) !== undefined) throw refusals.alreadyExists(resource, name)
    const creationTimestamp = new Date().toISOString().replace(/\.\d+Z$/, 'Z')
    return this.#write(resource, null, (resourceVersion) => ({
      ...{ kind: resource.kind, apiVersion: apiVersionOf(resource) },
      metadata: pruned({ ...metadata, name, namespace, uid: randomUUID(), resourceVersion, creationTimestamp }),
      ...pruned(without(rest, 'kind', 'apiVersion')),
    }))
  }

  /** Puts an object in the place of another; one that is the same is no write. @throws {Refusal} 409 */
  replace(resource: Resource, previous: KubeObject, draft: Draft): KubeObject {
    const { metadata = {}, ...rest } = draft
    const { name, namespace, uid, creationTimestamp, resourceVersion: current } = previous.metadata
    const asked = metadata['resourceVersion'] ?? ''
    if (asked !== '' && asked !== current) throw refusals.conflict(resource, name)
    const make = (resourceVersion: string): KubeObject => ({
      ...{ kind: resource.kind, apiVersion: apiVersionOf(resource) },
      metadata: pruned({ ...metadata, name, namespace, uid, resourceVersion, creationTimestamp }),
      ...pruned(without(rest, 'kind', 'apiVersion')),
    })
    if (isDeepStrictEqual(make(current), previous)) return previous
    return this.#write(resource, previous, make)
  }

  /** The object as it was, with the version of its deletion. */
  delete(resource: Resource, previous: KubeObject): void {
    const { namespace, name } = previous.metadata
    Reflect.deleteProperty(this.#state.objects, pathOf(resource.name, namespace, name))
    this.#changed(resource, null, previous)
  }

  /** Forgets what was before now, for lists only, as a compaction of etcd does. */
  compact(): void {
    this.compacted = this.version
  }

  /** Forgets what was before now, for watches only, as a restart of the server does. */
  forget(): void {
    this.#last.clear()
    this.forgotten = this.version
  }

  snapshot(): string {
    return JSON.stringify(this.#state)
  }

  /** Makes everything as it was, the version too. Nothing is known of what was before. */
  restore(snapshot: string): void {
    this.#state = JSON.parse(snapshot) as State
    this.#changes = []
    this.compact()
    this.forget()
    this.#save()
  }

  #write(resource: Resource, previous: KubeObject | null, make: (version: string) => KubeObject): KubeObject {
    const object = make(String(this.version + 1))
    this.#state.objects[pathOf(resource.name, object.metadata.namespace, object.metadata.name)] = object
    this.#changed(resource, object, previous)
    return object
  }

  #changed(resource: Resource, object: KubeObject | null, previous: KubeObject | null): void {
    this.#state.version += 1
    const change = { version: this.version, resource: resource.name, object, previous }
    this.#changes.push(change)
    this.#last.set(resource.name, this.version)
    if (this.#changes.length > KEPT_CHANGES) {
      const oldest = this.#changes.splice(0, KEPT_CHANGES / 2).at(-1)?.version ?? 0
      this.compacted = Math.max(this.compacted, oldest)
      this.forgotten = Math.max(this.forgotten, oldest)
    }
    this.#save()
    this.onChange(change)
  }

  #save(): void {
    if (this.#file === null) return
    writeFileSync(`${this.#file}.new`, this.snapshot())
    renameSync(`${this.#file}.new`, this.#file)
  }
}

/** Leaves out what is empty, as Go's JSON does. */
function pruned<T extends Readonly<Record<string, unknown>>>(fields: T): T {
  const isEmpty = (value: unknown): boolean =>
    value === null || value === undefined || (typeof value === 'object' && Object.keys(value).length === 0)
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => !isEmpty(value))) as T
}

function pathOf(resource: string, namespace: string, name: string): string {
  return `${resource}/${namespace}/${name}`
}

function read(file: string): State {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as State
  } catch {
    return emptyState() // The first start.
  }
}

function emptyState(): State {
  return { version: 1, objects: {} }
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
