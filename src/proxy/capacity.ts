/** The number of clients that fit into the process: its descriptors and its memory. Pure. */
import type { ProxyConfig } from '../config/config.ts'
import type { ProcessLimits } from '../process-limits.ts'
import { counted } from '../text/wording.ts'

export interface Capacity {
  /** Clients that are held or have a session, of all proxies together. */
  readonly connections: number
  /** What limits them, for the clients that are refused. */
  readonly why: string
  /** Clients that are on their way out. */
  readonly refusals: number
  /** Clients that have sent more than a startup packet before a server has answered. */
  readonly talkative: number
  /** What sessions may read ahead together, see `ClientGoneWatch`. */
  readonly readAheadBytes: number
}

/** The client's and the server's. */
const DESCRIPTORS_PER_CONNECTION = 2
/** Checks, the DCS, the admin socket, commands, lookups. */
const OWN_DESCRIPTORS = 128
const OWN_DESCRIPTORS_PER_CLUSTER = 16
/** With few descriptors this part of them. */
const OWN_PART = 0.3
const MIN_OWN_DESCRIPTORS = 48
const MAX_REFUSALS = 1000
/** A client that has sent the most that is kept of it, or a session. Bytes. */
const MEMORY_PER_CONNECTION = 48 * 1024
/** What one read can bring beyond that, twice. Bytes. */
const MEMORY_OF_TALKATIVE = 128 * 1024
const MAX_TALKATIVE = 256
const MAX_READ_AHEAD = 256 * 1024 * 1024

/** Returns what fits where that many `clusters` are served. */
export function capacityOf({ descriptors, memoryBytes }: ProcessLimits, clusters: number): Capacity {
  const forClients = descriptors === null ? Infinity : descriptors - ownDescriptors(descriptors, clusters)
  const refusals = Math.max(8, Math.min(MAX_REFUSALS, Math.floor(forClients / 6)))
  const byDescriptors = Math.max(1, Math.floor((forClients - refusals) / DESCRIPTORS_PER_CONNECTION))
  const byMemory = memoryBytes === null ? Infinity : Math.max(1, Math.floor(memoryBytes / 2 / MEMORY_PER_CONNECTION))
  const talkative = memoryBytes === null ? MAX_TALKATIVE : Math.floor(memoryBytes / 16 / MEMORY_OF_TALKATIVE)
  return {
    connections: Math.min(byDescriptors, byMemory),
    why: byDescriptors <= byMemory ? `${descriptors} file descriptors, two per session` : 'memory',
    refusals,
    talkative: Math.max(8, Math.min(MAX_TALKATIVE, talkative)),
    readAheadBytes: Math.min(MAX_READ_AHEAD, (memoryBytes ?? Infinity) / 16),
  }
}

function ownDescriptors(limit: number, clusters: number): number {
  const wanted = OWN_DESCRIPTORS + OWN_DESCRIPTORS_PER_CLUSTER * clusters
  return Math.max(MIN_OWN_DESCRIPTORS, Math.min(wanted, Math.floor(limit * OWN_PART)))
}

/** Returns a line for the log for each limit that the configuration allows and the process cannot have. */
export function misfits(
  proxies: readonly Pick<ProxyConfig, 'hold' | 'maxConnections'>[],
  limits: ProcessLimits,
): readonly string[] {
  const { connections, why } = capacityOf(limits, proxies.length)
  const asked = (setting: string, n: number, room = connections): string[] =>
    n <= room ? [] : [`${setting} is ${n}, and the process has room for ${counted(connections, 'connection')} (${why})`]
  const advice = why === 'memory' ? '' : ': raise LimitNOFILE (ulimit -n)'
  const sum = (each: (proxy: (typeof proxies)[number]) => number): number =>
    proxies.reduce((total, proxy) => total + each(proxy), 0)
  const found = [
    ...asked(
      'max_connections',
      sum(({ maxConnections }) => maxConnections),
    ),
    ...asked(
      'hold.max_connections',
      sum(({ hold, maxConnections }) =>
        maxConnections > 0 ? Math.min(hold.maxConnections, maxConnections) : hold.maxConnections,
      ),
      // Each is one descriptor for as long as it waits.
      connections * DESCRIPTORS_PER_CONNECTION,
    ),
  ]
  return found.map((text) => `${text}${advice}; clients beyond that are refused`)
}
