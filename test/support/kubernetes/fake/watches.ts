import type { ServerResponse } from 'node:http'
import { hasFlag, numberOf, versionOf, type Call } from './call.ts'
import type { Faults } from './faults.ts'
import { apiVersionOf, failure, refusals, type KubeObject } from './objects.ts'
import { selectorOf, type Selects } from './selectors.ts'
import type { Change, Store } from './store.ts'

const DEFAULT_TIMEOUT_S = 1_800
/** The last bookmark comes so long before the end. */
const LAST_BOOKMARK_MS = 2_000

interface Event {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'
  readonly object: KubeObject | Readonly<Record<string, unknown>>
}

/** The watches that are open. */
export class Watches {
  readonly #store: Store
  readonly #faults: () => Faults
  readonly #bookmarkMs: number
  readonly #open = new Set<Watch>()

  constructor(store: Store, faults: () => Faults, bookmarkMs: number) {
    this.#store = store
    this.#faults = faults
    this.#bookmarkMs = bookmarkMs
  }

  /** Tells all watches of a change. */
  tell(change: Change): void {
    if (this.#faults().muteWatches) return
    for (const watch of this.#open) watch.tell(change)
  }

  endAll(): void {
    for (const watch of [...this.#open]) watch.end()
  }

  /** Answers a watch, until it ends. @throws {Refusal} before it has begun. */
  start(call: Call, response: ServerResponse): void {
    const faults = this.#faults()
    const from = versionOf(call.params)
    const timeoutMs = (numberOf(call.params, 'timeoutSeconds') ?? DEFAULT_TIMEOUT_S) * 1_000
    const selects = selectorOf(call.params)
    const current = this.#store.forgotten
    const tooOld = refusals.expired(`too old resource version: ${from} (${current})`)
    if (from !== 0 && faults.gone === 'status') throw tooOld
    response.writeHead(200, { 'Cache-Control': 'no-cache, private', 'Content-Type': 'application/json' })
    response.flushHeaders()
    if (from !== 0 && (faults.gone === 'event' || from < current)) {
      response.end(`${JSON.stringify({ type: 'ERROR', object: failure(tooOld.failure) })}\n`)
      return
    }
    const watch = new Watch(call, selects, from, response)
    this.#open.add(watch)
    if (from === 0) watch.show(this.#store.list(call.resource.name, call.namespace))
    else for (const change of this.#store.since(call.resource.name, from)) watch.tell(change)
    this.#schedule(watch, call, Math.min(timeoutMs, faults.watchEndsAfterMs ?? Infinity), timeoutMs)
  }

  #schedule(watch: Watch, { params, resource, signal }: Call, endMs: number, timeoutMs: number): void {
    const timers = [setTimeout(() => watch.end(), endMs)]
    if (hasFlag(params, 'allowWatchBookmarks')) {
      const bookmark = () => {
        if (this.#faults().muteWatches || !this.#store.hasChanged(resource.name)) return
        watch.bookmark(this.#store.cached(resource.name))
      }
      timers.push(setTimeout(bookmark, Math.max(0, timeoutMs - LAST_BOOKMARK_MS)))
      timers.push(setInterval(bookmark, this.#bookmarkMs))
    }
    signal.addEventListener(
      'abort',
      () => {
        for (const timer of timers) clearTimeout(timer)
        this.#open.delete(watch)
      },
      { once: true },
    )
  }
}

/** One stream of events. */
class Watch {
  readonly #call: Call
  readonly #selects: Selects
  readonly #from: number
  readonly #response: ServerResponse

  constructor(call: Call, selects: Selects, from: number, response: ServerResponse) {
    this.#call = call
    this.#selects = selects
    this.#from = from
    this.#response = response
  }

  /** Shows what is there at its beginning. */
  show(objects: readonly KubeObject[]): void {
    for (const object of objects.filter(this.#selects)) this.#send({ type: 'ADDED', object })
  }

  tell(change: Change): void {
    const { resource, namespace } = this.#call
    const isIts = (change.object ?? change.previous)?.metadata.namespace === namespace
    // One that waits for a version of the future is told nothing until then.
    if (change.resource !== resource.name || !isIts || change.version <= this.#from) return
    const event = eventOf(change, this.#selects)
    if (event !== null) this.#send(event)
  }

  bookmark(version: number): void {
    const metadata = { resourceVersion: String(version), creationTimestamp: null }
    const { resource } = this.#call
    this.#send({ type: 'BOOKMARK', object: { kind: resource.kind, apiVersion: apiVersionOf(resource), metadata } })
  }

  end(): void {
    this.#response.end()
  }

  #send({ type, object }: Event): void {
    const { form } = this.#call
    // As Kubernetes: a single object is no list, which is told nowhere.
    if (form === 'PartialObjectMetadataList' || this.#response.writableEnded) return
    const { metadata } = object
    const shown = form === 'whole' ? object : { kind: form, apiVersion: 'meta.k8s.io/v1', metadata }
    this.#response.write(`${JSON.stringify({ type, object: shown })}\n`)
  }
}

/** Returns what a change is to who sees only some objects: one that no longer fits is gone, as it was with the version of that. */
function eventOf({ object, previous, version }: Change, selects: Selects): Event | null {
  const [before, now] = [previous !== null && selects(previous), object !== null && selects(object)]
  if (now && object !== null) return { type: before ? 'MODIFIED' : 'ADDED', object }
  if (!before || previous === null) return null
  const metadata = { ...previous.metadata, resourceVersion: String(version) }
  return { type: 'DELETED', object: { ...previous, metadata } }
}
