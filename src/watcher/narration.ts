/** What the parts of the narration share. Pure. */
import type { ClusterView } from './view.ts'

export interface Line {
  readonly level: 'info' | 'warn' | 'error'
  readonly message: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** The reasons of the primary's present state that were logged, without their numbers. */
export type Told = ReadonlySet<string>

export const NOTHING_TOLD: Told = new Set()

/** Whether somebody has requested what is happening: nothing of it needs anybody. */
export function isRequested(before: ClusterView, { dcs }: ClusterView): boolean {
  const { switchover } = before
  return switchover !== null && (switchover.scheduledAt ?? 0) <= (dcs.readAt ?? 0)
}
