/** A cluster in the schema of the status: what is known of it, its members and its proxy. */
import { z } from 'zod'
import { address, count, flag, sourceState, text, time, whole } from './schema-fields.ts'

const dcs = z.strictObject({
  kind: text('The kind of DCS, as its section in the configuration is called: `etcd3`, `rest`, `file`.'),
  leaderFrom: z
    .enum(['lock', 'description', 'members'])
    .describe('Where the name of the leader comes from: the lock in the DCS, a file, or the members.'),
  state: sourceState,
  since: time('When `state` began.'),
  endpoint: text('What is read, as `host:port`, URL or path.').nullable(),
  readAt: time('When it was last read completely; null: never.').nullable(),
  error: text('Why it is not up; null: it is.').nullable(),
  errors: z
    .array(z.strictObject({ at: time('When it occurred first.'), message: text('The error.') }))
    .describe('The different errors since it was up, at most 10.'),
  notices: z
    .array(
      z.strictObject({
        event: text('The event in the log: `foreign-etcd`.'),
        subject: text('What it is about.'),
        message: text('What is wrong, for people.'),
      }),
    )
    .describe('What should be mended or known, whether it is up or not.'),
})

const primary = z.strictObject({
  state: z
    .enum(['open', 'switching', 'promoting', 'unconfirmed', 'unreachable', 'unverified', 'unlocked', 'none'])
    .describe('New connections go to the primary in `open` and `unlocked`, and are held in all others.'),
  label: text('The state as the table and the log show it, for people: `BEING CHECKED`.'),
  member: text('Whom the state is about; null in `none`.').nullable(),
  address: address.nullable().describe('Its address, by name; null: it has none.'),
  resolvedAddress: address.nullable().describe('Where new sessions are connected to; null: nowhere.'),
  reason: text('Why it is in this state, for people.'),
  since: time('When it took this state and member.'),
  epoch: count(
    'Grows whenever sessions have another primary, or none: those of older epochs are closed. Comparable within one run of the router.',
  ),
  unansweredChecks: count('How often in a row its REST API has not answered.'),
})

const member = z.strictObject({
  name: text('Name of the member.'),
  host: text('Host of its Postgres (`conn_url`); null while it has none.').nullable(),
  port: whole('Port of its Postgres.'),
  proxyAddress: address.nullable().describe('Address of its pooler (`proxy_url`).'),
  restUrl: text('URL of its REST API, without a path.').nullable(),
  role: text('Role in its key, which Patroni writes once a loop: `primary`, `replica`.'),
  state: text('State in its key: `running`, `starting`, `stopped`.'),
  replicationState: text('State of its replication: `streaming`, `in archive recovery`.').nullable(),
  timeline: whole('Timeline in its key; null: not known.').nullable(),
  positionBytes: z
    .number()
    .nullable()
    .describe('Position in the WAL, in bytes: written on a primary, replayed on a replica.'),
  lagBytes: z
    .number()
    .nullable()
    .describe('Bytes of WAL that it has still to replay, as the table shows it; null: it is the leader, or not known.'),
  patroniVersion: text('Version of Patroni; null: not known.').nullable(),
  tags: z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).describe("Patroni's tags."),
  pendingRestart: flag('Its Postgres waits for a restart.'),
  gone: flag('Its key has gone from the DCS: all of this is what was known last.'),
  isLeader: flag('The leader in the DCS, or the member that `primary` is about.'),
  isSync: flag('It is one of the synchronous standbys.'),
  address: address.nullable().describe('Where new sessions are connected to (`proxy.address`), by name.'),
  resolvedAddress: address.nullable().describe('The same by IP address; null: it has not been resolved.'),
  replica: z
    .strictObject({
      usable: flag('It answers as a running replica.'),
      checked: flag('false: whether it is usable is not known yet.'),
      down: flag('Found down: sessions on it are closed.'),
      reason: text('Why it is not usable; empty where it is, and of a leader.'),
    })
    .describe('Whether it may serve sessions that only read. Lag and tags are judged by each listener.'),
})

const listener = z.strictObject({
  name: text('Name of the listener.'),
  route: z
    .enum(['primary', 'replica', 'sync', 'async', 'read-only', 'standby-leader', 'any'])
    .describe('Which members it is for.'),
  address: text('As bound, `, ` between several: `[::]:5000`.'),
  sessions: count('Open sessions.'),
  held: count('Clients that are held now.'),
  fallback: flag('The primary serves because no member of the route can.'),
  fault: z
    .strictObject({
      kind: z
        .enum(['fence', 'open', 'view', 'listen'])
        .describe(
          '`fence`: its sessions on an earlier primary cannot be closed, so all listeners hold new connections to the ' +
            'primary. `open`: it alone holds them. `view`: it holds all new connections. `listen`: it does not listen.',
        ),
      reason: text('What has failed.'),
    })
    .nullable()
    .describe('A fault of the router itself; null: none.'),
  members: z
    .array(
      z.strictObject({
        member: text('Name of the member.'),
        usable: flag('New sessions go to it.'),
        reason: text('Why new sessions do not go to it; empty where they do.'),
      }),
    )
    .describe('Sorted by name.'),
})

const refusals = z
  .strictObject({
    'hold-timeout': count('No member became available within `hold.timeout`.'),
    'hold-limit': count('`hold.max_connections` were held.'),
    'connection-limit': count('`max_connections` was reached.'),
    'process-limit': count('The process has no descriptors or memory for more.'),
    silent: count('The client did not say what it wants in time.'),
    shutdown: count('The router was shutting down.'),
  })
  .describe('Clients that were turned away since the start, by reason.')

const endings = z
  .strictObject({
    fence: count('Another primary, or none.'),
    'member-down': count('Its member was found down or has gone.'),
    'member-moved': count('Its member has another address.'),
    'fallback-over': count('A member of the route is back (`close_fallback`).'),
    'client-timeout': count('`timeouts.client` has passed without a byte.'),
    'server-timeout': count('`timeouts.server` has passed without a byte.'),
    'client-gone': count('The client has gone without an end of the connection.'),
    'drain-timeout': count('`drain_timeout` has passed.'),
    shutdown: count('The router was shutting down.'),
  })
  .describe('Sessions that the router has ended since the start, by reason.')

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
    connections: count('Clients that are held now.'),
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
      closedByFailover: count('Sessions whose member no longer serves their route.'),
      failedConnects: count('Connects to members that failed.'),
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
  systemIdentifier: text('System identifier of the database (`initialize`); null: it is not initialized.').nullable(),
  localMember: text("The member on the router's host (`name`).").nullable(),
  dcs,
  leader: text('Whom the DCS names, or named last before it was lost.').nullable(),
  primary,
  members: z.array(member).describe('Sorted by name.'),
  ignoredKeys: z
    .array(z.strictObject({ key: text('Below the prefix of the cluster.'), reason: text('Why it was ignored.') }))
    .describe('Keys in the DCS that could not be understood.'),
  paused: flag('Patroni is paused (maintenance mode).'),
  standbyCluster: flag('Its leader is read-only.'),
  quorumCommit: flag('`synchronous_mode: quorum`.'),
  ttlMs: z
    .number()
    .nullable()
    .describe('How long a leader key lasts that is not renewed, in milliseconds; null: not known.'),
  switchover: z
    .strictObject({
      from: text('The leader that is to hand over; null: whichever it is.').nullable(),
      to: text('The member that is to take over; null: whichever Patroni chooses.').nullable(),
      isScheduled: flag('false: at once.'),
      scheduledAt: time('When it is due; null: at once, or at a time that cannot be understood.').nullable(),
    })
    .nullable()
    .describe('A switchover or failover that was requested (the `failover` key).'),
  timelineSetBack: z
    .strictObject({
      timeline: whole('The timeline of the primary.'),
      servedBefore: whole('The highest timeline that has served.'),
    })
    .nullable()
    .describe('The primary is on a lower timeline than one before it: writes acknowledged there are gone.'),
  proxy: proxy.nullable().describe('null: the proxy is off.'),
  faults: z
    .array(
      z.strictObject({
        part: text('Which part of the router fails.'),
        message: text('The error.'),
        since: time('When it failed first.'),
      }),
    )
    .describe('Errors of the router itself that last: please report them.'),
})

export type ClusterJson = z.infer<typeof cluster>
export type MemberJson = z.infer<typeof member>
export type ProxyJson = z.infer<typeof proxy>
export type ListenerJson = z.infer<typeof listener>
