/** The file of `state_dir` in which overrides and holds survive a restart: its name and its text. Pure. */
import { z } from 'zod'
import type { Overrides } from '../override.ts'
import { routerFile, type RouterPlace } from '../state-dir.ts'
import { printable } from '../text/printable.ts'
import { parseJson } from '../text/unknown-shape.ts'

/** Those of all clusters, by name. */
export type OverridesByCluster = ReadonlyMap<string, Overrides>

/** Returns the path of the file. */
export function overridesFile(place: RouterPlace): string {
  return routerFile(place, 'overrides')
}

/** Longest name of a user that is kept. */
export const MAX_BY = 64

const FORMAT = 1
const BY = z
  .string()
  .min(1)
  .transform((by) => printable(by, MAX_BY))
/** Milliseconds since the epoch: more than this is no date. */
const TIME = z.int().min(0).max(8.64e15)
const MEMBER = z.strictObject({
  member: z.string().min(1),
  ...{ state: z.enum(['drain', 'maint']), by: BY, since: TIME, until: TIME.nullable() },
})
const HELD = z.strictObject({ listener: z.string().min(1), by: BY, since: TIME, until: TIME })
const CLUSTER = z.strictObject({ cluster: z.string().min(1), members: z.array(MEMBER), holds: z.array(HELD) })
const FILE = z.strictObject({ format: z.literal(FORMAT), clusters: z.array(CLUSTER) })

/** Returns the text of the file. */
export function encodeOverrides(all: OverridesByCluster): string {
  const clusters = Array.from(all, ([cluster, { members, holds }]) => ({
    cluster,
    members: Array.from(members, ([member, override]) => ({ member, ...override })),
    holds: Array.from(holds, ([listener, held]) => ({ listener, ...held })),
  }))
  return `${JSON.stringify({ format: FORMAT, clusters }, null, 2)}\n`
}

/** Returns what a file holds; null: it is damaged, or of another format. Nothing of such a file is used. */
export function decodeOverrides(text: string): OverridesByCluster | null {
  const { data } = FILE.safeParse(parseJson(text))
  if (data === undefined) return null
  return new Map(
    data.clusters.map(({ cluster, members, holds }): [string, Overrides] => [
      cluster,
      {
        members: new Map(members.map(({ member, ...override }) => [member, override])),
        holds: new Map(holds.map(({ listener, ...held }) => [listener, held])),
      },
    ]),
  )
}
