/** HAProxy's families in the text format of Prometheus: none yet. */
import type { RouterStatus } from '../status.ts'

export interface FamilyOptions {
  /** Only these; null: all. */
  readonly scopes: readonly string[] | null
  /** Leaves out servers in maintenance. */
  readonly noMaint: boolean
}

/** Returns the families in slices. */
export const haproxyFamilies: (status: RouterStatus, options: FamilyOptions) => AsyncIterable<string> = () => ({
  [Symbol.asyncIterator]: () => ({ next: () => Promise.resolve({ done: true, value: undefined }) }),
})
