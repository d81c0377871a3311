import { isDeepStrictEqual } from 'node:util'

/** Returns where two values differ, such as `members.lagBytes`; empty: nowhere. Lists of one length are compared item by item. */
export function changesBetween(before: unknown, after: unknown, path = ''): readonly string[] {
  if (isDeepStrictEqual(before, after)) return []
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length)
    return [...new Set(before.flatMap((item, index) => changesBetween(item, after[index], path)))]
  if (isPlain(before) && isPlain(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    return keys.flatMap((key) => changesBetween(before[key], after[key], path === '' ? key : `${path}.${key}`))
  }
  return [path]
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
