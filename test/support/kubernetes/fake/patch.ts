/**
 * Applies a JSON merge patch: null deletes a field, lists are replaced. A strategic merge patch does the same with the
 * fields that Patroni patches.
 */
export function merged(target: unknown, patch: unknown): unknown {
  if (!isMap(patch)) return patch
  const result: Record<string, unknown> = isMap(target) ? { ...target } : {}
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) Reflect.deleteProperty(result, name)
    else result[name] = merged(result[name], value)
  }
  return result
}

export function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Returns an object without some of its fields. */
export function without(
  object: Readonly<Record<string, unknown>>,
  ...names: readonly string[]
): Record<string, unknown> {
  return Object.fromEntries(Object.entries(object).filter(([name]) => !names.includes(name)))
}

/** Returns a text as it is, and '' for anything else. */
export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
