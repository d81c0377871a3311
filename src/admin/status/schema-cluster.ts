/** A cluster in the schema of the status, with its members and its proxy. */
import { z } from 'zod'
import { address, count, flag, override, sourceState, text, time, whole } from './schema-fields.ts'

const dcs = z.strictObject({
  kind: text(
    'The kind of DCS, named as its section of the configuration: `etcd3`, `etcd`, `consul`, `raft`, `rest`, `file`.',
  ),
  leaderFrom: z
    .enum(['lock', 'description', 'members'])
    .describe("Source of the leader's name: the `lock` in the DCS, a file (`description`), or the `members`."),
  state: sourceState,
  since: time('When `state` began.'),
  endpoint: text('The endpoint in use, as `host:port`, URL or path.').nullable(),
  readAt: time('When it was last read completely; null: never.').nullable(),
  error: text('Why it is not up; null: it is up.').nullable(),
  failures: count('Failed attempts to read it since the start.'),
  errors: z
    .array(z.strictObject({ at: time('When it occurred first.'), message: text('The error.') }))
    .describe('Different errors since it was last up, at most 10.'),
  notices: z
    .array(
      z.strictObject({
        event: text('The event of the log: `foreign-etcd`.'),
        subject: text('The subject: an endpoint, a member, a prefix.'),
        message: text('The text for people.'),
      }),
    )
    .describe('Problems to fix or to know of, whether it is up or not.'),
})

const primary = z.strictObject({
  state: z
    .enum(['open', 'switching', 'promoting', 'unconfirmed', 'unreachable', 'unverified', 'unlocked', 'none'])
    .describe(
      'New connections go to the primary in `open` and `unlocked`, unless it has an `override`, and are held in all others.',
    ),
  label: text('The state as `status` and the log show it: `BEING CHECKED`.'),
  member: text('The member that the state is about; null in `none`.').nullable(),
  address: address.nullable().describe('Its address by name; null: it has none.'),
  resolvedAddress: address.nullable().describe('Address that new sessions are connected to; null: none.'),
  reason: text('Why it is in this state, for people.'),
  since: time('When this state of this member began.'),
  epoch: count(
    'Grows whenever the primary changes or there is none: sessions of older epochs are closed. Comparable within one run of the router.',
  ),
  unansweredChecks: count('Consecutive checks that its REST API has not answered.'),
  override: override
    .nullable()
    .describe('New connections to it are held by request (`member drain`, `member maint`); null: they are not.'),
})

const member = z.strictObject({
  name: text('Name of the member.'),
  host: text('Host of its Postgres (`conn_url`); null: not known yet.').nullable(),
  port: whole('Port of its Postgres.'),
  proxyAddress: address.nullable().describe('Address of its pooler (`proxy_url`).'),
  restUrl: text('URL of its REST API, without a path.').nullable(),
  role: text('Role in its member key, which Patroni writes once per loop: `primary`, `replica`.'),
  state: text('State in its member key: `running`, `starting`, `stopped`.'),
  replicationState: text('State of its replication: `streaming`, `in archive recovery`.').nullable(),
  timeline: whole('Timeline in its member key; null: unknown.').nullable(),
  positionBytes: z.number().nullable().describe('WAL position in bytes: written on a primary, replayed on a replica.'),
  lagBytes: z
    .number()
    .nullable()
    .describe('Bytes of WAL that it still has to replay, as the table shows it; null: it is the leader, or unknown.'),
  patroniVersion: text('Version of Patroni; null: unknown.').nullable(),
  tags: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).describe("Patroni's tags."),
  pendingRestart: flag('Its Postgres waits for a restart.'),
  gone: flag('Its member key is gone from the DCS: everything here is the last known state.'),
  isLeader: flag('It is the leader in the DCS, or the member that `primary` is about.'),
  isSync: flag('It is a synchronous standby.'),
  checks: z
    .strictObject({
      passed: count('Since the start.'),
      failed: count('Since the start: answered with a no, or not at all.'),
      lastMs: z
        .number()
        .nonnegative()
        .nullable()
        .describe('How long the last one took, in milliseconds; null: none yet.'),
    })
    .describe('Checks of its REST API that count: `/primary` of the leader, `/replica` of all others.'),
  address: address.nullable().describe('Address that new sessions are connected to (`proxy.address`), by name.'),
  resolvedAddress: address.nullable().describe('The same by IP address; null: not resolved yet.'),
  replica: z
    .strictObject({
      usable: flag('It answers as a running replica.'),
      checked: flag('false: not checked yet.'),
      down: flag('It is down: sessions on it are closed.'),
      reason: text('Why it is not usable; empty where it is usable, and for a leader.'),
    })
    .describe('Whether it may serve read-only sessions. Each listener judges lag and tags itself.'),
  override: override
    .nullable()
    .describe('It gets no new sessions by request (`member drain`, `member maint`); null: there is no such request.'),
})

const listener = z.strictObject({
  name: text('Name of the listener.'),
  route: z
    .enum(['primary', 'replica', 'sync', 'async', 'read-only', 'standby-leader', 'any'])
    .describe('The route: which members it leads to.'),
  address: text('Bound addresses, separated by `, `: `[::]:5000`.'),
  sessions: count('Open sessions.'),
  held: count('Connections that are held now.'),
  maxConnections: count('Limit of its own, set by `set maxconn frontend`; 0: none.'),
  totalSessions: count('Sessions since it was added.'),
  bytesIn: count('Bytes received from the clients of its sessions since it was added, also of open ones.'),
  bytesOut: count('Bytes sent to them.'),
  fallback: flag('New connections go to the primary because no member of the route is usable.'),
  heldByRequest: z
    .strictObject({
      by: text('The user that has requested it.'),
      since: time('When that began.'),
      until: time('When it ends at the latest.'),
    })
    .nullable()
    .describe('All new connections are held by request; null: they are not.'),
  fault: z
    .strictObject({
      kind: z
        .enum(['fence', 'open', 'view', 'closing', 'listen'])
        .describe(
          '`fence`: its sessions on an earlier primary cannot be closed, so all listeners hold new connections to the ' +
            'primary. `open`: it alone holds them. `view`: it holds all new connections. `closing`: sessions are open that should ' +
            'be closed. `listen`: it cannot bind its address.',
        ),
      reason: text('The error.'),
    })
    .nullable()
    .describe('A fault of the router itself; null: none.'),
  members: z
    .array(
      z.strictObject({
        member: text('Name of the member.'),
        usable: flag('New sessions go to it.'),
        reason: text('Why new sessions do not go to it; empty where they do.'),
        since: time('Since when `usable` is what it is.'),
        sessions: count('Open sessions of this listener on it.'),
        totalSessions: count('Sessions of this listener on it since the listener was added.'),
        bytesIn: count('Bytes that the clients of these sessions have sent.'),
        bytesOut: count('Bytes that it has sent to them.'),
        failedConnects: count('Failed connects of this listener to it.'),
      }),
    )
    .describe('Sorted by name.'),
})

const refusals = z
  .strictObject({
    'hold-timeout': count('No member became available within `hold.timeout`.'),
    'hold-limit': count('`hold.max_connections` were held.'),
    'connection-limit': count('`max_connections` was reached, or the limit of the listener.'),
    'process-limit': count('The process has no file descriptors or memory for more.'),
    silent: count('The client sent no startup packet in time.'),
    shutdown: count('The router was shutting down.'),
  })
  .describe('Refused connections since the start, by reason.')

const endings = z
  .strictObject({
    fence: count('The primary changed, or there was none.'),
    'member-down': count('Its member is down or gone.'),
    'member-moved': count('Its member has another address.'),
    'fallback-over': count('A member of the route is back (`close_fallback`).'),
    'client-timeout': count('No data from the client for `timeouts.client`.'),
    'server-timeout': count('No data from the server for `timeouts.server`.'),
    'client-gone': count('The client is gone, and its server does not notice.'),
    admin: count('Closed by request: `sessions close`, `shutdown session`.'),
    'drain-timeout': count('`drain_timeout` has passed during a shutdown.'),
    shutdown: count('The router was shutting down.'),
  })
  .describe('Sessions that the router has closed since the start, by reason.')

const proxy = z.strictObject({
  listeners: z.array(listener).describe('In the order of the configuration.'),
  sessions: z
    .array(
      z.strictObject({
        member: text('Name of the member.'),
        listener: text('Name of the listener.'),
        sessions: count('Open sessions.'),
      }),
    )
    .describe('By member and listener.'),
  held: z.strictObject({
    connections: count('Connections that are held now.'),
    oldestMs: z
      .number()
      .nonnegative()
      .nullable()
      .describe('How long the oldest has been held, in milliseconds; null: none is held.'),
  }),
  totals: z
    .strictObject({
      accepted: count('Accepted connections.'),
      refused: count('The sum of `refusals`.'),
      closedByFailover: count('Sessions that were closed because their member no longer serves their route.'),
      failedConnects: count('Failed connects to members.'),
      gaveUp: count('Clients that left before a server had answered.'),
      sessions: count('Sessions that have begun.'),
      bytesIn: count('Bytes received from the clients of sessions, also of open ones.'),
      bytesOut: count('Bytes sent to them.'),
    })
    .describe('Since the start.'),
  refusals,
  endings,
})

export const cluster = z.strictObject({
  name: text('Name in the configuration.'),
  scope: text('The scope of the Patroni cluster.'),
  namespace: text('Without slashes at either end.'),
  citusGroup: whole('Number of the Citus group; null: none.').nullable(),
  systemIdentifier: text(
    'System identifier of the database (`initialize`); null: it is not initialized, or unknown.',
  ).nullable(),
  localMember: text("The member on the router's host (`name`).").nullable(),
  dcs,
  leader: text('Leader that the DCS names, or named last before it was lost; null: none.').nullable(),
  primary,
  primaryChanges: count('Times another member than before became the primary and was opened, since the start.'),
  members: z.array(member).describe('Sorted by name.'),
  ignoredKeys: z
    .array(
      z.strictObject({ key: text('The key, below the prefix of the cluster.'), reason: text('Why it was ignored.') }),
    )
    .describe('Keys in the DCS that cannot be parsed.'),
  paused: flag('Patroni is paused (maintenance mode).'),
  standbyCluster: flag('Its leader is read-only.'),
  quorumCommit: flag('`synchronous_mode: quorum`.'),
  ttlMs: z
    .number()
    .nullable()
    .describe('`ttl` of the cluster: how long a leader key lives without renewal, in milliseconds; null: unknown.'),
  switchover: z
    .strictObject({
      from: text('The leader that is to hand over; null: the leader at that time.').nullable(),
      to: text('The member that is to take over; null: Patroni chooses.').nullable(),
      isScheduled: flag('false: it is to take place at once.'),
      scheduledAt: time('When it is due; null: at once, or the time cannot be parsed.').nullable(),
    })
    .nullable()
    .describe('A switchover or failover that was requested (the `failover` key).'),
  timelineSetBack: z
    .strictObject({
      timeline: whole('The timeline of the primary.'),
      servedBefore: whole('The highest timeline that a primary has served on.'),
    })
    .nullable()
    .describe('The primary is on a lower timeline than one before it: writes acknowledged there are gone.'),
  proxy: proxy.nullable().describe('null: the proxy is off.'),
  faults: z
    .array(
      z.strictObject({
        part: text('The part of the router that fails.'),
        message: text('The error.'),
        since: time('When it failed first.'),
      }),
    )
    .describe('Lasting errors of the router itself: please report them.'),
})

export type ClusterJson = z.infer<typeof cluster>
export type MemberJson = z.infer<typeof member>
export type ProxyJson = z.infer<typeof proxy>
export type ListenerJson = z.infer<typeof listener>
