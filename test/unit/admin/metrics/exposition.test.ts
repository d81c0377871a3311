import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { familiesText, metricsText } from '../../../../src/admin/metrics/exposition.ts'
import type { Taken } from '../../../../src/admin/metrics/family.ts'
import { NATIVE_FAMILIES } from '../../../../src/admin/metrics/native.ts'
import { NOW, sampleProxy, sampleStatus, sampleView } from '../sample.ts'
import { largeStatus } from './large-status.ts'
import { PRIVATE, richStatus } from './rich-status.ts'

const PROCESS = { residentBytes: 70_000_000, virtualBytes: 1e9, cpuSeconds: 12.34, openFiles: 30, maxFiles: 1024 }

async function joined(slices: AsyncIterable<string>): Promise<string> {
  let text = ''
  for await (const slice of slices) text += slice
  return text
}

async function textOf(taken: Taken): Promise<string> {
  return joined(familiesText(NATIVE_FAMILIES, taken))
}

async function linesOf(status: Taken['status']): Promise<readonly string[]> {
  return (await textOf({ status, process: PROCESS })).split('\n')
}

const lines = await linesOf(richStatus())

describe('the native families', () => {
  test('have their help and type once, before their samples, and the labels that they declare', () => {
    const seen: string[] = []
    for (const line of lines.filter((each) => each !== '')) {
      const [, kind, head] = /^# (HELP|TYPE) (\w+)/.exec(line) ?? []
      if (head !== undefined) {
        if (kind === 'HELP') seen.push(head)
        else assert.equal(head, seen.at(-1))
        continue
      }
      const [, name = '', labels = ''] = /^(\w+)(?:\{(.*)\})? \S+$/.exec(line) ?? []
      const family = NATIVE_FAMILIES.find((each) => each.name === seen.at(-1))
      assert.ok(family !== undefined && name.startsWith(family.name), line)
      if (family.type !== 'histogram') assert.equal(name, family.name)
      const own = [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label).filter((label) => label !== 'le')
      assert.deepEqual(own, family.labels, line)
    }
    assert.deepEqual(
      seen,
      NATIVE_FAMILIES.map(({ name }) => name),
    )
  })

  test('are named as is usual: counters end in _total, and nothing else does', () => {
    for (const { name, type } of NATIVE_FAMILIES) {
      assert.equal(name.endsWith('_total'), type === 'counter', name)
      assert.match(name, /^(?:patroni_router|process)_[a-z_]+$/)
      assert.doesNotMatch(name, /_ms\b|millis/)
    }
  })

  test('show what the router has counted, in base units', () => {
    for (const line of `
patroni_router_build_info{version="0.1.0",node_version="v24.0.0"} 1
patroni_router_start_time_seconds ${(NOW - 100_000_000) / 1000}
patroni_router_stopping 0
patroni_router_max_connections 1000
patroni_router_config_reloads_total{result="applied"} 2
patroni_router_config_reloads_total{result="refused"} 1
patroni_router_config_differs 1
patroni_router_config_loaded_timestamp_seconds ${NOW / 1000 - 9}
patroni_router_log_dropped_lines_total 8
patroni_router_http_refused_total{reason="host"} 1
patroni_router_event_loop_delay_seconds{quantile="0.5"} 0.00025
patroni_router_event_loop_delay_seconds{quantile="1"} 0.0175
patroni_router_primary_state{cluster="demo",state="open"} 1
patroni_router_primary_state{cluster="demo",state="none"} 0
patroni_router_primary_state_seconds{cluster="demo"} 130
patroni_router_primary_info{cluster="demo",member="pg1"} 1
patroni_router_primary_accepts_connections{cluster="demo"} 0
patroni_router_primary_changes_total{cluster="demo"} 3
patroni_router_epoch{cluster="demo"} 7
patroni_router_cluster_paused{cluster="demo"} 1
patroni_router_cluster_timeline_set_back{cluster="demo"} 1
patroni_router_part_fault{cluster="demo",part="proxy"} 1
patroni_router_dcs_up{cluster="demo"} 1
patroni_router_dcs_last_read_timestamp_seconds{cluster="demo"} ${(NOW - 400) / 1000}
patroni_router_dcs_age_seconds{cluster="demo"} 0.4
patroni_router_dcs_errors_total{cluster="demo"} 5
patroni_router_member_up{cluster="demo",member="pg1"} 1
patroni_router_member_up{cluster="demo",member="pg3"} 0
patroni_router_member_leader{cluster="demo",member="pg1"} 1
patroni_router_member_leader{cluster="demo",member="pg2"} 0
patroni_router_member_lag_bytes{cluster="demo",member="pg2"} 1024
patroni_router_member_timeline{cluster="demo",member="pg2"} 4
patroni_router_member_override{cluster="demo",member="pg2",state="drain"} 1
patroni_router_member_override{cluster="demo",member="pg2",state="maint"} 0
patroni_router_member_override{cluster="demo",member="pg1",state="drain"} 0
patroni_router_member_override_timestamp_seconds{cluster="demo",member="pg2",state="drain"} ${NOW / 1000 - 3600}
patroni_router_checks_total{cluster="demo",member="pg1",result="passed"} 6
patroni_router_checks_total{cluster="demo",member="pg1",result="failed"} 1
patroni_router_last_check_duration_seconds{cluster="demo",member="pg1"} 0.0025
patroni_router_check_duration_seconds_bucket{cluster="demo",le="0.001"} 4
patroni_router_check_duration_seconds_bucket{cluster="demo",le="0.0025"} 6
patroni_router_check_duration_seconds_bucket{cluster="demo",le="+Inf"} 7
patroni_router_check_duration_seconds_sum{cluster="demo"} 1.2345
patroni_router_check_duration_seconds_count{cluster="demo"} 7
patroni_router_connections_total{cluster="demo",listener="primary",result="accepted"} 100
patroni_router_connections_total{cluster="demo",listener="primary",result="served"} 90
patroni_router_connections_total{cluster="demo",listener="primary",result="refused"} 9
patroni_router_refused_connections_total{cluster="demo",listener="primary",reason="hold-timeout"} 7
patroni_router_closed_sessions_total{cluster="demo",listener="primary",reason="fence"} 11
patroni_router_held_connections{cluster="demo",listener="primary"} 2
patroni_router_oldest_held_seconds{cluster="demo"} 1.5
patroni_router_hold_seconds_bucket{cluster="demo",listener="primary",le="0.5"} 4
patroni_router_hold_seconds_sum{cluster="demo",listener="primary"} 61.5
patroni_router_connect_seconds_count{cluster="demo",listener="primary"} 89
patroni_router_listener_max_connections{cluster="demo",listener="primary"} 500
patroni_router_listener_held_by_request{cluster="demo",listener="replicas"} 1
patroni_router_listener_held_by_request{cluster="demo",listener="primary"} 0
patroni_router_listener_fallback{cluster="demo",listener="primary"} 0
patroni_router_listener_fault{cluster="demo",listener="primary",kind="closing"} 1
patroni_router_listener_fault{cluster="demo",listener="primary",kind="fence"} 0
patroni_router_member_usable{cluster="demo",listener="primary",member="pg1"} 1
patroni_router_member_usable{cluster="demo",listener="primary",member="pg2"} 0
patroni_router_sessions{cluster="demo",listener="primary",member="pg1"} 12
patroni_router_sessions_total{cluster="demo",listener="primary",member="pg1"} 90
patroni_router_failed_connects_total{cluster="demo",listener="primary",member="pg1"} 4
patroni_router_bytes_total{cluster="demo",listener="primary",member="pg1",direction="in"} 1125899906842624
patroni_router_bytes_total{cluster="demo",listener="primary",member="pg1",direction="out"} 4096
patroni_router_template_group_state{group="lb",state="failed"} 1
patroni_router_template_group_state{group="lb",state="in-sync"} 0
patroni_router_template_renders_total{destination="/etc/a.cfg"} 9
patroni_router_template_checks_total{destination="/etc/a.cfg",result="passed"} 3
patroni_router_template_checks_total{destination="/etc/a.cfg",result="failed"} 2
patroni_router_reloads_total{group="lb",result="succeeded"} 3
patroni_router_reloads_total{group="lb",result="failed"} 1
patroni_router_template_keys_up{cluster="demo",root="/app"} 0
patroni_router_hooks_total{hook="notify",cluster="demo",result="failed"} 3
patroni_router_track_met{path="/run/track",cluster="demo",condition="primary"} 1
patroni_router_track_error{path="/run/track",cluster="demo"} 1
process_cpu_seconds_total 12.34
process_resident_memory_bytes 70000000
process_open_fds 30
process_max_fds 1024`
      .trim()
      .split('\n'))
      assert.ok(lines.includes(line), line)
  })

  test('leave out what is not known: the lag of the leader, a check that was not made, a DCS that was not read', async () => {
    const has = (start: string): boolean => lines.some((line) => line.startsWith(start))
    assert.ok(!has('patroni_router_member_lag_bytes{cluster="demo",member="pg1"}'))
    assert.ok(!has('patroni_router_member_timeline{cluster="demo",member="pg3"}'))
    assert.ok(!has('patroni_router_last_check_duration_seconds{cluster="demo",member="pg2"}'))
    const { dcs } = sampleView()
    const view = sampleView({ dcs: { ...dcs, state: 'never', readAt: null } })
    const bare = (await textOf({ status: sampleStatus({ view, proxy: null }), process: null })).split('\n')
    assert.deepEqual(
      bare.filter((line) => /dcs_(?:age|last)|listener|template|track|process_|reloads|event_loop/.test(line)),
      [],
    )
    assert.ok(bare.includes('patroni_router_dcs_up{cluster="demo"} 0'))
  })

  test('have no text of an error, no address and no name of a person in their labels', () => {
    assert.deepEqual(
      lines.filter((line) => line.includes('10.20.30.40') || line.includes(PRIVATE) || line.includes('10.0.0.')),
      [],
    )
  })

  test('have the values of labels escaped', async () => {
    const name = 'a"b\\c\nd'
    const escaped = await linesOf(richStatus(name))
    assert.ok(escaped.includes(String.raw`patroni_router_dcs_up{cluster="a\"b\\c\nd"} 1`))
    assert.equal(escaped.length, lines.length)
  })
})

test('the primary accepts connections while it is open and its listener is in order', async () => {
  const shown = async (status: Taken['status']): Promise<string | undefined> => {
    const found = (await linesOf(status)).find((line) => line.startsWith('patroni_router_primary_accepts_connections{'))
    return found?.split(' ').at(-1)
  }
  const view = sampleView()
  const { primary } = view
  const proxy = sampleProxy()
  const [leading, reading] = proxy.listeners
  assert.ok(leading !== undefined && reading !== undefined)
  const heldByRequest = { by: 'alice', since: NOW, until: NOW + 1000 }
  const fence = { kind: 'fence', reason: 'it hangs' } as const
  const withListeners = (...listeners: readonly (typeof leading)[]): Taken['status'] =>
    sampleStatus({ view, proxy: { ...proxy, listeners } })
  assert.equal(await shown(sampleStatus()), '1')
  assert.equal(await shown(sampleStatus({ view, proxy: null })), '1')
  assert.equal(await shown({ ...sampleStatus(), stopping: true }), '0')
  assert.equal(
    await shown(sampleStatus({ view: { ...view, primary: { ...primary, state: 'switching' } }, proxy })),
    '0',
  )
  assert.equal(await shown(withListeners({ ...leading, heldByRequest }, reading)), '0')
  assert.equal(await shown(withListeners(leading, { ...reading, heldByRequest })), '1')
  assert.equal(await shown(withListeners(leading, { ...reading, fault: fence })), '0')
})

for (const [title, status] of [
  ['1,000 members in 100 clusters', largeStatus(100, 10)],
  ['1,000 members in one cluster with four listeners', largeStatus(1, 1000, 4)],
] as const)
  test(`the native families of ${title} are below 5 MB, in slices with other work between`, async () => {
    let [size, slices, turns] = [0, 0, 0]
    let isOver = false
    const count = (): void => {
      turns++
      if (!isOver) setImmediate(count)
    }
    setImmediate(count)
    for await (const slice of familiesText(NATIVE_FAMILIES, { status, process: PROCESS })) {
      size += Buffer.byteLength(slice)
      slices++
    }
    isOver = true
    assert.ok(size > 3_000_000 && size < 5_000_000, `${size} bytes`)
    assert.ok(slices > 3 && turns >= slices - 1, `${slices} slices, ${turns} turns`)
  })

test('a scope other than native has none of them, and no scope all', async () => {
  const scoped = async (scopes: readonly string[] | null): Promise<string> =>
    joined(metricsText(sampleStatus(), { scopes, noMaint: false }))
  assert.match(await scoped(null), /^patroni_router_dcs_up/m)
  assert.match(await scoped([]), /^patroni_router_dcs_up/m)
  assert.match(await scoped(['native', 'server']), /^patroni_router_dcs_up/m)
  assert.doesNotMatch(await scoped(['server']), /patroni_router_/)
})
