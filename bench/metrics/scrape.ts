import { fork } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { counted } from '../../src/text/wording.ts'
import type { Case } from '../case.ts'
import { inOneRun } from '../run.ts'

export interface Size {
  readonly key: string
  readonly clusters: number
  /** Of each cluster. */
  readonly members: number
  readonly listeners: number
}

const SIZES: readonly Size[] = [
  { key: 'usual', clusters: 1, members: 3, listeners: 2 },
  { key: 'clusters', clusters: 100, members: 10, listeners: 2 },
  { key: 'members', clusters: 1, members: 1000, listeners: 4 },
]
const SCRAPES = 50

/** The longest that a turn of the event loop may be. Milliseconds. */
const TURN_MS = 20
const MAX_MIB = 5e6 / 1024 ** 2

/** What that process finds. */
export type Found = { readonly key: string; readonly value: number } | { readonly progress: string }

/** The exposition alone, in a process with the router's memory: nothing is sent. */
export const scrape: Case = {
  name: 'scrape',
  title: "A scrape of /metrics with the router's own families, one after the other",
  figures: SIZES.flatMap(({ key, clusters, members, listeners }) => {
    const each = `${counted(clusters, 'cluster')} of ${counted(members, 'member')}, ${counted(listeners, 'listener')}`
    return [
      { key: `size-${key}`, label: `${each}: size`, unit: 'MiB', of: 'worst', target: { max: MAX_MIB } },
      { key: `cpu-${key}`, label: `${each}: CPU of a scrape`, unit: 'ms', of: 'median' },
      { key: `turn-${key}`, label: `${each}: longest turn of a scrape, median`, unit: 'ms', of: 'median' },
      {
        ...{ key: `work-${key}`, label: `${each}: most processor time of a turn`, unit: 'ms', of: 'worst' },
        target: { max: TURN_MS },
      },
    ] as const
  }),
  measure: inOneRun(async (record, repeats) => {
    const args = [JSON.stringify(SIZES), String(repeats ?? SCRAPES)]
    const exposing = fork(join(import.meta.dirname, 'scrape-main.ts'), args, {
      execArgv: ['--import', join(import.meta.dirname, '../clusters/young-generation.ts')],
    })
    exposing.on('message', (found: Found) => {
      if ('key' in found) record.add(found.key, found.value)
      else record.progress(found.progress)
    })
    const [code] = (await once(exposing, 'exit')) as [number | null]
    if (code !== 0) throw new Error(`the process of the metrics has ended with ${String(code)}`)
  }),
}
