import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { hasPrimary, statusJson } from '../../../../src/admin/status/json.ts'
import { statusSchema } from '../../../../src/admin/status/schema.ts'
import type { RouterStatus } from '../../../../src/admin/status.ts'
import { TrafficMeter } from '../../../../src/proxy/traffic-meter.ts'
import type { CommandResult } from '../../../../src/templates/commands/run-command.ts'
import type { ClusterView } from '../../../../src/watcher/view.ts'
import { NOW, sampleListener, sampleMember, sampleProxy, sampleReload, sampleStatus, sampleView } from '../sample.ts'

const LAST: CommandResult = {
  ...{ ok: false, outcome: 'exited with 1', exitCode: 1, startedAt: NOW - 1000, durationMs: 12.5, output: 'no' },
}
const LOST: ClusterView['dcs'] = {
  ...{ kind: 'etcd3', state: 'lost', endpoint: null, readAt: NOW - 9000, since: NOW - 8000, error: 'refused' },
  ...{ leaderFrom: 'lock', absence: null },
  errors: [{ at: NOW - 8000, message: 'refused' }],
  notices: [{ event: 'foreign-etcd', subject: 'b', message: 'b is another one', over: 'b is ours' }],
}
const FULL: RouterStatus = {
  ...sampleStatus(
    {
      view: sampleView({
        members: [
          sampleMember('pg1', { proxy: { host: 'b', port: 6432 }, tags: { nofailover: true, zone: 'a', prio: 1 } }),
          sampleMember('pg2', { address: null, host: null, restUrl: null, lagBytes: 512, version: null }),
        ],
        dcs: LOST,
        ignoredKeys: [{ key: 'members/x', reason: 'the value is not a JSON object' }],
        switchover: { leader: 'pg1', member: null, scheduledAt: NOW + 60_000 },
        setBack: { timeline: 3, served: 5 },
      }),
      proxy: sampleProxy({ held: { connections: 2, oldestMs: 12.25 } }),
      faults: [{ part: 'templates', message: 'x is not a function', since: NOW }],
    },
    { view: sampleView({ name: 'other', citusGroup: 1, systemId: null, leader: null }), proxy: null },
  ),
  stopping: true,
  configuration: {
    ...{ file: '/etc/patroni-router/config.yml', loadedAt: NOW - 9000, reloads: 2, refusals: 1 },
    ...{ differsSince: NOW - 5000, problems: ['config.yml:1:1: scope: is wrong'] },
    lastReload: { ...sampleReload({ outcome: 'refused', refusedBy: 'configuration' }), at: NOW - 5000 },
  },
  templates: {
    groups: [
      {
        ...{ name: 'lb', clusters: ['demo'], state: 'failed', since: NOW - 5000, reason: 'no', retryAt: NOW + 1000 },
        templates: [
          {
            ...{ source: '/a.hbs', destination: '/a', renders: 1, writtenAt: null, error: 'no' },
            ...{ checks: 3, checkFailures: 2, check: LAST },
            leftOut: [{ member: 'pg9', reason: 'no address' }],
          },
        ],
        reload: { pending: true, runs: 1, failures: 1, last: LAST },
      },
    ],
    hooks: [
      { name: 'h', cluster: 'demo', state: 'open', member: 'pg1', running: false, runs: 4, failures: 1, last: LAST },
    ],
    keys: [{ cluster: 'demo', root: '/a', state: 'never', count: 0, readAt: null, error: 'away' }],
  },
  track: [
    {
      ...{ path: '/t', cluster: 'demo', when: 'local-leader', member: 'pg1', holds: null, reason: 'not known' },
      ...{ since: NOW, error: 'no such directory' },
    },
  ],
}

for (const [title, status] of [
  ['an ordinary router', sampleStatus()],
  ['one of two clusters, templates, hooks, keys, track files, with faults, that is shutting down', FULL],
  ['one without clusters', { ...sampleStatus(), clusters: [] }],
] as const)
  test(`the JSON of ${title} is as documented, and has no field that is not`, () => {
    assert.deepEqual(statusSchema.parse(JSON.parse(JSON.stringify(statusJson(status)))), statusJson(status))
  })

/** `value` with one more field in each object in it. */
function withStrangers(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withStrangers)
  if (typeof value !== 'object' || value === null) return value
  const own = Object.entries(value).map(([key, each]) => [key, key === 'tags' ? each : withStrangers(each)] as const)
  return { ...Object.fromEntries(own), internal: 'internal' }
}

test('no field of the inside that the mapping does not name gets out, wherever it is', () => {
  const status = withStrangers(FULL) as RouterStatus
  assert.deepEqual(statusJson(status), statusJson(FULL))
  assert.equal(JSON.stringify(statusJson(FULL)).includes('basis'), false)
})

test('the schema refuses a field that is not documented, and a time in milliseconds', () => {
  const json = statusJson(sampleStatus())
  assert.throws(() => statusSchema.parse({ ...json, basis: '' }), /Unrecognized key/)
  assert.throws(() => statusSchema.parse({ ...json, now: NOW }), /expected string/)
  assert.throws(() => statusSchema.parse({ ...json, now: '2026-11-20T03:14:54Z' }), /Invalid ISO datetime/)
})

test('times are ISO 8601 in UTC with milliseconds', () => {
  const { now, clusters } = statusJson(sampleStatus())
  assert.equal(now, '2026-11-20T03:14:54.000Z')
  assert.equal(clusters[0]?.dcs.readAt, '2026-11-20T03:14:53.600Z')
})

test('a switchover says whether it is scheduled, also for a time that cannot be understood', () => {
  const shown = (scheduledAt: number | null): unknown => {
    const switchover = { leader: 'pg1', member: 'pg2', scheduledAt }
    return statusJson(sampleStatus({ view: sampleView({ switchover }), proxy: null })).clusters[0]?.switchover
  }
  assert.deepEqual(shown(null), { from: 'pg1', to: 'pg2', isScheduled: false, scheduledAt: null })
  const at = '2026-11-20T03:14:54.000Z'
  assert.deepEqual(shown(NOW), { from: 'pg1', to: 'pg2', isScheduled: true, scheduledAt: at })
  assert.deepEqual(shown(Number.MAX_SAFE_INTEGER), { from: 'pg1', to: 'pg2', isScheduled: true, scheduledAt: null })
})

test('a lag is in bytes as the table shows it, and null where it is not known', () => {
  const { clusters } = statusJson(sampleStatus())
  assert.deepEqual(
    clusters[0]?.members.map(({ name, lagBytes }) => [name, lagBytes]),
    [
      ['pg1', null],
      ['pg2', 5 * 1024 ** 2],
      ['pg3', null],
    ],
  )
})

test('there is a primary where every cluster has one and the router is not shutting down', () => {
  assert.equal(hasPrimary(statusJson(sampleStatus())), true)
  assert.equal(hasPrimary(statusJson(FULL)), false)
})

const published = JSON.parse(
  readFileSync(new URL('../../../../docs/status.schema.json', import.meta.url), 'utf8'),
) as unknown

/** The paths of the fields below `schema` that have no description. */
function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== 'object' || schema === null) return []
  const { properties = {}, items, anyOf, $defs = {} } = schema as Record<string, Record<string, unknown> | undefined>
  return [
    ...Object.entries({ ...properties, ...$defs }).flatMap(([name, field]) => {
      const own = typeof field === 'object' && field !== null && !('description' in field) && name in properties
      const isPart =
        typeof field === 'object' && field !== null && ('properties' in field || '$ref' in field || 'anyOf' in field)
      return [...(own && !isPart ? [`${path}.${name}`] : []), ...undescribed(field, `${path}.${name}`)]
    }),
    ...undescribed(items, `${path}[]`),
    ...Object.values(anyOf ?? {}).flatMap((each) => undescribed(each, path)),
  ]
}

test('the schema says of every field what it means', () => {
  assert.deepEqual(undescribed(published, ''), [])
})

test('has the state of the configuration and what came of the last reload, with times as ISO 8601', () => {
  const { configuration } = statusSchema.parse(statusJson(FULL))
  assert.deepEqual(configuration, {
    file: '/etc/patroni-router/config.yml',
    loadedAt: new Date(NOW - 9000).toISOString(),
    ...{ reloads: 2, refusals: 1, differsSince: new Date(NOW - 5000).toISOString() },
    problems: ['config.yml:1:1: scope: is wrong'],
    lastReload: {
      ...sampleReload({ outcome: 'refused', refusedBy: 'configuration' }),
      at: new Date(NOW - 5000).toISOString(),
    },
  })
  assert.equal(statusJson(sampleStatus()).configuration, null)
})

test('a listener has what it carried, in all and by member; a member without sessions has 0', () => {
  const meter = new TrafficMeter()
  meter.began('pg1', { heldMs: 0, connectMs: 1, at: NOW }, false)
  meter.began('pg1', { heldMs: 0, connectMs: 1, at: NOW }, false)
  meter.left('pg1')
  Object.assign(meter.member('pg1'), { failedDials: 3 })
  meter.member('pg1').received.bytes = 10
  meter.member('gone').sent.bytes = 7
  const members = { pg1: '', pg2: 'is a replica' }
  const listeners = [sampleListener('primary', 'primary', members, { traffic: meter.at(NOW), maxConnections: 5 })]
  const { clusters } = statusJson(sampleStatus({ view: sampleView(), proxy: sampleProxy({ listeners }) }))
  const [listener] = clusters[0]?.proxy?.listeners ?? []
  assert.ok(listener)
  const { totalSessions, bytesIn, bytesOut, maxConnections } = listener
  assert.deepEqual([totalSessions, bytesIn, bytesOut, maxConnections], [2, 10, 7, 5])
  const none = { sessions: 0, totalSessions: 0, bytesIn: 0, bytesOut: 0, failedConnects: 0 }
  const since = '2026-11-20T03:13:54.000Z'
  assert.deepEqual(listener.members, [
    {
      member: 'pg1',
      usable: true,
      reason: '',
      since,
      ...none,
      sessions: 1,
      totalSessions: 2,
      bytesIn: 10,
      failedConnects: 3,
    },
    { member: 'pg2', usable: false, reason: 'is a replica', since, ...none },
  ])
})
