/** What can be seen of a router from the outside, without what differs from one run to the next. */
import { execFile } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { promisify } from 'node:util'
import { z } from 'zod'
import { statusJson } from '../../../src/admin/status/json.ts'
import { statusSchema } from '../../../src/admin/status/schema.ts'
import type { Config } from '../../../src/config/config.ts'
import { formatBind } from '../../../src/config/proxy/binds.ts'
import type { Router } from '../../../src/router.ts'

export type Counts = Readonly<Record<string, number>>

export interface Seen {
  readonly status: unknown
  /** What keeps the event loop running, by type. */
  readonly handles: Counts
  /** Timers, by the file of the router that has set them. */
  readonly timers: Counts
  /** What is in the files that are configured. */
  readonly files: Readonly<Record<string, string | null>>
  readonly logging: Config['logging']
}

const NOTHING_CARRIED = { sessions: 0, totalSessions: 0, bytesIn: 0, bytesOut: 0 }

/** Returns the status without times and without what counts or tells what has happened since the start. */
export function comparableStatus(router: Router): unknown {
  const status = statusJson(router.status())
  const { clusters, templates, ...rest } = status
  return withoutTimes(statusSchema.partial(), {
    ...rest,
    clusters: clusters.map(({ proxy, primary, members, dcs, ...cluster }) => ({
      ...cluster,
      primaryChanges: 0,
      // The errors are those since it was up last.
      dcs: { ...dcs, errors: [], failures: 0 },
      members: members.map((member) => ({ ...member, checks: {} })),
      primary: { ...primary, epoch: 0 },
      proxy: proxy && {
        listeners: proxy.listeners.map((listener) => ({
          ...{ ...listener, ...NOTHING_CARRIED, held: 0 },
          members: listener.members.map((member) => ({ ...member, ...NOTHING_CARRIED, failedConnects: 0 })),
        })),
      },
    })),
    templates: templates && {
      ...templates,
      groups: templates.groups.map((group) => ({
        ...group,
        templates: group.templates.map((template) => ({
          ...template,
          renders: 0,
          checks: 0,
          checkFailures: 0,
          check: null,
        })),
        reload: group.reload && { pending: group.reload.pending },
      })),
      // A hook that is new is run for the next state of the primary, at a start for the first one.
      hooks: templates.hooks.map(({ name, cluster, running }) => ({ name, cluster, running })),
    },
  })
}

/** Returns what has not yet found out what there is to find out. */
export function unsettled(router: Router, config: Config): readonly unknown[] {
  const { clusters, templates, track } = router.status()
  const views = clusters.map(({ view }) => view)
  return [
    ...views.filter(({ dcs, primary }) => dcs.state !== 'up' || primary.state !== 'open'),
    ...views.flatMap(({ members, dcs }, index) => {
      const isLimited = config.clusters[index]?.proxy.listeners.some(({ maxLagBytes }) => maxLagBytes !== null) === true
      // Where the DCS has positions, they are shown until the member has been checked after the leader.
      const isLagNeeded = isLimited || dcs.leaderFrom === 'members'
      return members.filter(
        ({ isLeader, replica, lagBytes }) => !isLeader && (!replica.checked || (isLagNeeded && lagBytes === null)),
      )
    }),
    ...(templates?.groups ?? []).filter(({ state }) => state !== 'in-sync'),
    ...(templates?.hooks ?? []).filter(({ running }) => running),
    ...(templates?.keys ?? []).filter(({ state }) => state !== 'up'),
    ...track.filter(({ holds, error }) => holds === null || error !== null),
  ]
}

/** Drops the values that the schema has as times. */
function withoutTimes(schema: z.core.$ZodType, value: unknown): unknown {
  if (schema instanceof z.ZodNullable)
    return value === null && !isTime(schema.unwrap()) ? null : withoutTimes(schema.unwrap(), value)
  if (schema instanceof z.ZodOptional) return withoutTimes(schema.unwrap(), value)
  if (isTime(schema)) return 'a time'
  if (schema instanceof z.ZodArray && Array.isArray(value))
    return value.map((each: unknown) => withoutTimes(schema.element, each))
  if (schema instanceof z.ZodObject) {
    const entries = Object.entries(value as object).map(([key, each]: [string, unknown]) => {
      const own = (schema.shape as Readonly<Record<string, z.core.$ZodType>>)[key]
      return [key, own === undefined ? each : withoutTimes(own, each)]
    })
    return Object.fromEntries(entries)
  }
  return value
}

function isTime(schema: z.core.$ZodType): boolean {
  return schema instanceof z.ZodISODateTime
}

/** Returns the active resources of the event loop but timers, by type. */
export function handles(): Counts {
  return countsOf(process.getActiveResourcesInfo().filter((type) => type !== 'Timeout'))
}

export function countsOf(values: readonly string[]): Counts {
  const counts: Record<string, number> = {}
  for (const value of values.toSorted()) counts[value] = (counts[value] ?? 0) + 1
  return counts
}

/** Returns `one` less `other`, without what is none then. */
export function less(one: Counts, other: Counts): Counts {
  const types = [...new Set([...Object.keys(one), ...Object.keys(other)])].sort()
  return Object.fromEntries(
    types.flatMap((type) => {
      const count = (one[type] ?? 0) - (other[type] ?? 0)
      return count === 0 ? [] : [[type, count]]
    }),
  )
}

const run = promisify(execFile)

/** Returns where this process listens, by the kernel's account: `127.0.0.1:5000`, or the path of a Unix socket. */
export async function listeningHere(): Promise<readonly string[]> {
  // Not by /proc/net/tcp: that has the closed connections of the whole machine, too.
  const { stdout } = await run('ss', ['-H', '-l', '-t', '-x', '-n', '-e'])
  const inodes = new Set(
    readdirSync('/proc/self/fd').flatMap((fd) => /^socket:\[(\d+)\]$/.exec(linkOf(`/proc/self/fd/${fd}`))?.[1] ?? []),
  )
  const own = stdout.split('\n').flatMap((line) => {
    const [kind, , , , local = '', port = ''] = line.split(/\s+/)
    // Of a Unix socket the inode is written where others have the port.
    const [address, inode] = kind === 'tcp' ? [local, / ino:(\d+)/.exec(line)?.[1]] : [local, port]
    return inode !== undefined && inodes.has(inode) ? [address] : []
  })
  return own.sort()
}

/** Returns where a router with this configuration listens, as `listeningHere` does. */
export function socketsOf({ clusters, admin }: Config): readonly string[] {
  const own = clusters.flatMap(({ proxy }) => proxy.listeners.flatMap((listener) => listener.binds))
  const binds = [...own, ...admin.http.binds]
  return [...binds.map((bind) => (bind.kind === 'unix' ? bind.path : formatBind(bind))), admin.socket.path]
}

function linkOf(path: string): string {
  try {
    return readlinkSync(path)
  } catch {
    // It has just been closed.
    return ''
  }
}

/** Returns what is in the files that a configuration names; null: there is no such file. */
export function filesOf({ templates, track }: Config): Seen['files'] {
  const paths = [...templates.map(({ destination }) => destination), ...track.files.map(({ path }) => path)]
  return Object.fromEntries(paths.map((path) => [path, existsSync(path) ? readFileSync(path, 'utf8') : null]))
}
