/** The rows that are chosen of all: a proxy, kinds, a server, and of servers those in a state that counts. Pure. */
import type { RouterStatus } from '../status.ts'
import { KIND_NUMBERS, rowsBySection, type StatRow } from './rows.ts'

export interface RowChoice {
  /** Which proxy, kinds (the sum of 1 << number) and server; -1: all. */
  readonly proxy: number
  readonly kinds: number
  readonly server: number
  /** Leaves out servers in maintenance. */
  readonly noMaint: boolean
  /** Leaves out servers that are not up. */
  readonly up: boolean
}

/** Words of `show stat` and of the address of the page. */
export const STATE_WORDS = ['no-maint', 'up'] as const

/** Returns the rows of every proxy, as far as these words let servers be shown. */
export function choiceOf(words: readonly string[]): RowChoice {
  return { proxy: -1, kinds: -1, server: -1, noMaint: words.includes('no-maint'), up: words.includes('up') }
}

/** Returns the rows of each listener that are chosen, one after the other. */
export function* chosenRows(status: RouterStatus, choice: RowChoice): Generator<readonly StatRow[]> {
  const { proxy, up, noMaint } = choice
  for (const rows of rowsBySection(status)) {
    if (proxy !== -1 && rows[0]?.sectionId !== proxy) continue
    const counted = up || noMaint ? rows.map((row) => withCount(row, rows)) : rows
    yield counted.filter((row) => isChosen(row, choice))
  }
}

function isChosen({ kind, serverId, state }: StatRow, { kinds, server, noMaint, up }: RowChoice): boolean {
  if ((kinds & (1 << KIND_NUMBERS[kind])) === 0) return false
  if (kind !== 'server') return true
  if (server !== -1 && serverId !== server) return false
  return up ? state !== 'MAINT' && state !== 'DOWN' : !noMaint || state !== 'MAINT'
}

/** Returns a backend's row with the number of its servers, as HAProxy shows it where servers are left out. */
function withCount(row: StatRow, rows: readonly StatRow[]): StatRow {
  if (row.kind !== 'backend') return row
  const servers = rows.filter(({ kind }) => kind === 'server')
  const running = servers.filter(({ state }) => state === 'UP' || state === 'DRAIN')
  const status = `${row.values.status ?? ''} (${running.length}/${servers.length})`
  return { ...row, values: { ...row.values, status } }
}
