/** Freezes plain data to its depth, maps included, so that whoever writes to it throws. */
export function freeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (value instanceof Map) {
    for (const inner of value.values()) freeze(inner)
    const refuse = (): never => {
      throw new TypeError('a frozen map was written to')
    }
    // Freezing a map does not keep its entries; not enumerable, so that comparisons do not see it.
    for (const name of ['set', 'delete', 'clear']) Object.defineProperty(value, name, { value: refuse })
  } else {
    for (const inner of Object.values(value)) freeze(inner)
  }
  return Object.freeze(value)
}
