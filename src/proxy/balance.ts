/** Chooses one of several targets. Pure. */
import type { Target } from './route.ts'

/** Round-robin by name: the first target after `last` in the order of names, whatever has come or gone since. */
export function roundRobin(targets: readonly Target[], last: string | null): Target | null {
  const inOrder = targets.toSorted((a, b) => (a.member < b.member ? -1 : 1))
  return inOrder.find(({ member }) => last !== null && member > last) ?? inOrder[0] ?? null
}
