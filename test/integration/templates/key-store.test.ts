import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RouterError } from '../../../src/errors.ts'
import { KeyStore } from '../../../src/templates/key-store.ts'
import type { KeysObservation, KeyValueSource } from '../../../src/watcher/dcs/key-values.ts'
import { Queue } from '../../../src/watcher/dcs/queue.ts'
import { until } from '../../support/until.ts'

/** Tells what the test tells it. */
class ToldSource implements KeyValueSource {
  /** By root, in the order in which they were asked for. */
  readonly observers = new Map<string, Queue<KeysObservation | null>>()

  async *observe(root: string, signal: AbortSignal): AsyncGenerator<KeysObservation, void, undefined> {
    const queue = new Queue<KeysObservation | null>()
    this.observers.set(root, queue)
    signal.addEventListener('abort', () => queue.push(null), { once: true })
    for (let next = await queue.next(); next !== null; next = await queue.next()) yield next
  }

  async tell(root: string, observation: KeysObservation): Promise<void> {
    this.observers.get(root)?.push(observation)
    await new Promise((resolve) => setImmediate(resolve))
  }

  async keys(root: string, entries: Record<string, string>): Promise<void> {
    await this.tell(root, { type: 'keys', keys: new Map(Object.entries(entries)) })
  }
}

const LOST = { type: 'lost', error: new RouterError('DCS_UNAVAILABLE', 'etcd at a:1 cannot be read: gone') } as const

function observed(...roots: readonly string[]) {
  const source = new ToldSource()
  const lines: string[] = []
  const tell = (_fields: object, message: string): void => void lines.push(message)
  const store = new KeyStore({ source, roots, log: { debug: tell, info: tell, warn: tell, error: tell } })
  store.start()
  return { source, store, lines, [Symbol.asyncDispose]: () => store.close() }
}

describe('a key store', () => {
  test('observes each root once, those inside others and repetitions not at all', async () => {
    await using store = observed('/myapp/db', '/myapp/db/', '/myapp/db/host', '/myapp/dbx', '/other')
    assert.deepEqual([...store.source.observers.keys()], ['/myapp/db', '/myapp/dbx', '/other'])
    await using all = observed('/myapp/db', '/')
    assert.deepEqual([...all.source.observers.keys()], [''])
  })

  test('gives a template its own keys by names relative to its prefix, sorted', async () => {
    await using observing = observed('/myapp/db', '/myapp/cache')
    const { source, store } = observing
    await source.keys('/myapp/db', { '/myapp/db': 'd', '/myapp/db/port': '5432', '/myapp/db/host': 'pg0' })
    await source.keys('/myapp/cache', { '/myapp/cache/size': '1' })
    const entries = (prefix: string, ...keys: string[]) => [...(store.view({ prefix, keys })?.entries ?? [])]
    assert.deepEqual(entries('/myapp', '/db', '/cache'), [
      ['/cache/size', '1'],
      ['/db', 'd'],
      ['/db/host', 'pg0'],
      ['/db/port', '5432'],
    ])
    assert.deepEqual(entries('/myapp/db', '/'), [
      ['/host', 'pg0'],
      ['/port', '5432'],
    ])
    assert.deepEqual(entries('/myapp', '/db/ho'), [])
    assert.deepEqual(entries('', '/myapp/db/host'), [['/myapp/db/host', 'pg0']])
  })

  test('has no view until all roots of a template have been read, nor of what it does not observe', async () => {
    await using observing = observed('/a', '/b')
    const { source, store } = observing
    const both = { prefix: '', keys: ['/a', '/b'] }
    await source.keys('/a', {})
    assert.equal(store.view(both), null)
    assert.equal(store.view({ prefix: '', keys: ['/a'] })?.entries.size, 0)
    await source.keys('/b', { '/b/x': '1' })
    assert.equal(store.view(both)?.entries.size, 1)
    assert.equal(store.view({ prefix: '', keys: ['/c'] }), null)
    assert.equal(store.view({ prefix: '', keys: ['/'] }), null)
  })

  test('gives the same view as long as nothing in it has changed, and another one in the turn of a change', async () => {
    await using observing = observed('/a')
    const { source, store } = observing
    const views: unknown[] = []
    const one = { prefix: '/a', keys: ['/one'] }
    const end = store.subscribe(() => views.push(store.view(one)))
    await source.keys('/a', { '/a/one': '1', '/a/two': '2' })
    const first = store.view(one)
    await source.keys('/a', { '/a/one': '1', '/a/two': '3' })
    assert.equal(store.view(one), first)
    await source.keys('/a', { '/a/one': '2' })
    assert.notEqual(store.view(one), first)
    assert.deepEqual(views, [first, first, store.view(one)])
    end()
    await source.keys('/a', {})
    assert.equal(views.length, 3)
  })

  test('notifies no subscriber of a confirmation, which only makes the keys younger', async () => {
    await using observing = observed('/a')
    const { source, store } = observing
    let calls = 0
    store.subscribe(() => calls++)
    const keys = new Map([['/a', '1']])
    await source.tell('/a', { type: 'keys', keys })
    const readAt = store.status()[0]?.readAt ?? 0
    await new Promise((resolve) => setTimeout(resolve, 5))
    await source.tell('/a', { type: 'keys', keys })
    assert.equal(calls, 1)
    assert.ok((store.status()[0]?.readAt ?? 0) > readAt)
  })

  test('keeps the last known keys of what is lost, and says so once when it begins and once when it ends', async () => {
    await using observing = observed('/a')
    const { source, store, lines } = observing
    const [before] = store.status()
    assert.deepEqual(before, { root: '/a', state: 'never', count: 0, readAt: null, error: null })
    await source.keys('/a', { '/a/x': '1' })
    const view = store.view({ prefix: '', keys: ['/a'] })
    const readAt = store.status()[0]?.readAt
    await source.tell('/a', LOST)
    await source.tell('/a', LOST)
    assert.equal(store.view({ prefix: '', keys: ['/a'] }), view)
    const error = 'etcd at a:1 cannot be read: gone'
    assert.deepEqual(store.status(), [{ root: '/a', state: 'lost', count: 1, readAt, error }])
    await source.keys('/a', { '/a/x': '1' })
    assert.equal(store.status()[0]?.state, 'up')
    assert.deepEqual(lines, [`keys of /a: ${error}; the last known ones stay in use`, 'keys of /a: they can be read'])
  })

  test('says of a DCS without keys that it has none', async () => {
    const store = new KeyStore({ source: null, roots: ['/a'], log: null })
    store.start()
    assert.equal(store.view({ prefix: '', keys: ['/a'] }), null)
    assert.match(String(store.status()[0]?.error), /this kind of DCS has no keys/)
    await store.close()
  })

  test('does not run round and round a source that ends', async () => {
    let times = 0
    const ended = { next: () => Promise.resolve({ done: true, value: undefined } as const) }
    const source: KeyValueSource = {
      observe: () => {
        times++
        return { [Symbol.asyncIterator]: () => ended }
      },
    }
    const store = new KeyStore({ source, roots: ['/a'], log: null })
    store.start()
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve))
    assert.equal(times, 1)
    await until('it is observed again', () => times > 1)
    await store.close()
  })

  test('observes again after a fault of the source, and ends with a close, also twice', async () => {
    await using observing = observed('/a')
    const { source, store } = observing
    const first = source.observers.get('/a')
    first?.fail(new TypeError('a bug'))
    await new Promise((resolve) => setImmediate(resolve))
    assert.match(String(store.status()[0]?.error), /please report it: a bug/)
    await until('it is observed again', () => source.observers.get('/a') !== first)
    await source.keys('/a', {})
    assert.equal(store.status()[0]?.state, 'up')
    await store.close()
    await store.close()
  })
})
