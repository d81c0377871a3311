import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { counted } from '../../src/text/wording.ts'
import type { Case } from '../case.ts'
import { inOneRun } from '../run.ts'

/** Members, and how long the event loop may be blocked at most. Milliseconds. The first start also loads the client of the DCS. */
const SIZES = [
  { size: 3, most: null },
  { size: 200, most: 20 },
  { size: 1000, most: 50 },
]
/** In the steady state. */
const BEATS = 10

export const PHASES = ['start', 'steady', 'leader', 'leaving'] as const
const LABELS = {
  start: 'start, until the primary is open and every member is checked',
  steady: 'every member key rewritten each second',
  leader: 'another leader',
  leaving: 'a member leaves',
}

/** What that process finds. */
export type Found = { readonly key: string; readonly value: number } | { readonly progress: string }

/** The watcher and the proxy in a process with the router's memory; etcd, and members that are played by another process. */
export const large: Case = {
  name: 'members',
  title: 'One cluster of many members: how long the event loop is blocked at most',
  figures: SIZES.flatMap(({ size, most }) => [
    ...PHASES.map((phase) => ({
      ...{ key: `${phase}-${size}`, label: `${counted(size, 'member')}, ${LABELS[phase]}`, unit: 'ms' as const },
      ...{ of: 'worst' as const, ...(most === null ? {} : { target: { max: most } }) },
    })),
    { key: `open-${size}`, label: `${counted(size, 'member')}, start → primary open`, unit: 'ms', of: 'worst' },
    {
      key: `cpu-${size}`,
      label: `${counted(size, 'member')}, CPU of a second in which every key is rewritten`,
      unit: 'ms',
    },
  ]),
  measure: inOneRun(async (record, repeats) => {
    const args = [repeats ?? BEATS, ...SIZES.map(({ size }) => size)].map(String)
    const grown = fork(join(import.meta.dirname, 'large-main.ts'), args, {
      execArgv: ['--import', join(import.meta.dirname, 'young-generation.ts')],
    })
    grown.on('message', (found: Found) => {
      if ('key' in found) record.add(found.key, found.value)
      else record.progress(found.progress)
    })
    const [code] = (await once(grown, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`the process of the watcher has ended with ${String(code)}`)
  }),
}
