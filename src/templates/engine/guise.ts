/** The guise in which helpers see lists and records: like any others, that cannot be changed; what is read of them is noted. */
import type { Tracked, Value } from './tracked.ts'

/** Gives what stands in a list or record as a helper sees it. */
export type Show = (value: Value) => unknown

/** A frozen-looking list or record. The target is a stand-in: a proxy may not contradict what a real one holds. */
export function guiseOf(tracked: Tracked, show: Show): object {
  return tracked.isList ? new Proxy([], listTraps(tracked, show)) : new Proxy(newRecord(), recordTraps(tracked, show))
}

const READ_ONLY: ProxyHandler<object> = {
  set: refuse,
  defineProperty: refuse,
  deleteProperty: refuse,
  setPrototypeOf: refuse,
  preventExtensions: refuse,
}

function refuse(): never {
  throw new TypeError('a helper must not change what it is given')
}

function listTraps(tracked: Tracked, show: Show): ProxyHandler<unknown[]> {
  const itemAt = (index: string): unknown => {
    const value = tracked.at(Number(index))
    return value === undefined ? undefined : show(value)
  }
  return {
    ...READ_ONLY,
    get: (_target, key) => {
      if (key === 'length') return tracked.length
      if (isIndex(key)) return itemAt(key)
      // Array's own methods would make their results with it.
      return key === 'constructor' ? undefined : (Reflect.get(Array.prototype, key) as unknown)
    },
    has: (_target, key) => (isIndex(key) ? Number(key) < tracked.length : key === 'length' || key in Array.prototype),
    ownKeys: () => [...Array.from({ length: tracked.length }, (_item, index) => String(index)), 'length'],
    getOwnPropertyDescriptor: (target, key) => {
      if (key === 'length') return { ...Reflect.getOwnPropertyDescriptor(target, key), value: tracked.length }
      return isIndex(key) ? described(itemAt(key)) : undefined
    },
  }
}

/** Narrows only where it is one. */
function isIndex(key: string | symbol): key is `${number}` {
  return typeof key === 'string' && /^(0|[1-9]\d*)$/.test(key)
}

function recordTraps(tracked: Tracked, show: Show): ProxyHandler<object> {
  const fieldOf = (key: string | symbol): unknown => {
    const value = typeof key === 'string' ? tracked.get(key) : undefined
    return value === undefined ? undefined : show(value)
  }
  return {
    ...READ_ONLY,
    get: (_target, key) => fieldOf(key),
    has: (_target, key) => fieldOf(key) !== undefined,
    ownKeys: () => [...tracked.names()],
    getOwnPropertyDescriptor: (_target, key) => described(fieldOf(key)),
  }
}

function described(value: unknown): PropertyDescriptor | undefined {
  return value === undefined ? undefined : { value, writable: true, enumerable: true, configurable: true }
}

function newRecord(): object {
  return Object.create(null) as object
}
