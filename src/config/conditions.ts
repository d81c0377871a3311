/** What is asked of a cluster with yes or no (watcher/condition.ts). */
export type Condition =
  /** `member` is open for writes, or is until its Postgres has stopped for a switchover. */
  | { readonly name: 'local-leader'; readonly member: string }
  /** A member is open for writes. */
  | { readonly name: 'primary' }
  /** At least one replica serves reads. */
  | { readonly name: 'replicas' }

export const CONDITIONS = ['local-leader', 'primary', 'replicas'] as const

export type ConditionName = (typeof CONDITIONS)[number]
