import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { haproxyFamilies } from '../../../../src/admin/haproxy/families.ts'
import type { RouterStatus } from '../../../../src/admin/status.ts'
import { sampleListener, sampleMember, sampleProxy, sampleStatus, sampleView } from '../sample.ts'
import { haproxyStatus, textOf } from './sample.ts'

const FIGURES = { descriptors: 1024, heapBytes: 9_000_000, usedHeapBytes: 5_000_000 }
const ALL = { scopes: null, noMaint: false }

async function lines(status: RouterStatus, options: Parameters<typeof haproxyFamilies>[1] = ALL) {
  return (await textOf(haproxyFamilies(status, options, FIGURES))).split('\n')
}

describe('the metrics of HAProxy', () => {
  test('a state has a series for each that it could be, of which one is 1', async () => {
    const all = await lines(haproxyStatus({ pg3: 'drain' }))
    const status = (server: string): readonly string[] =>
      all.filter((line) => line.startsWith(`haproxy_server_status{proxy="replicas",server="${server}",`)).map((line) => line.replace(/.*state="(\w+)"} /, '$1 ')) // prettier-ignore
    assert.deepEqual(status('pg2'), ['DOWN 0', 'UP 1', 'MAINT 0', 'DRAIN 0', 'NOLB 0'])
    assert.deepEqual(status('pg3'), ['DOWN 0', 'UP 0', 'MAINT 0', 'DRAIN 1', 'NOLB 0'])
    assert.ok(all.includes('haproxy_server_check_status{proxy="primary",server="pg2",state="L7STS"} 1'))
    assert.ok(all.includes('haproxy_backend_status{proxy="primary",state="UP"} 1'))
    assert.ok(all.includes('haproxy_frontend_status{proxy="primary",state="DOWN"} 0'))
    assert.ok(all.includes('haproxy_backend_agg_server_status{proxy="replicas",state="DOWN"} 1'))
    assert.ok(all.includes('haproxy_backend_agg_check_status{proxy="primary",state="L4CON"} 1'))
  })

  test('durations are in seconds, and what is not measured is NaN', async () => {
    const all = await lines(haproxyStatus())
    for (const line of [
      'haproxy_server_connect_time_average_seconds{proxy="primary",server="pg1"} 0.0015',
      'haproxy_backend_queue_time_average_seconds{proxy="primary"} 0.00025',
      'haproxy_server_check_duration_seconds{proxy="primary",server="pg2"} 0.002',
      'haproxy_server_limit_sessions{proxy="primary",server="pg1"} NaN',
      'haproxy_backend_max_queue_time_seconds{proxy="primary"} NaN',
      'haproxy_process_max_fds 1024',
      'haproxy_process_pool_used_bytes 5000000',
      'haproxy_process_build_info{version="0.1.0"} 1',
      'haproxy_process_uptime_seconds 100000',
      'haproxy_server_bytes_out_total{proxy="primary",server="pg1"} 5000',
    ])
      assert.ok(all.includes(line), line)
  })

  test('a member in maintenance has no check, and no series at all with no-maint', async () => {
    const status = haproxyStatus({ pg2: 'maint' })
    const shown = await lines(status)
    assert.ok(shown.some((line) => line.includes('server="pg2",state="MAINT"} 1')))
    assert.ok(!shown.some((line) => line.startsWith('haproxy_server_check_status') && line.includes('"pg2"')))
    const hidden = await lines(status, { ...ALL, noMaint: true })
    assert.ok(!hidden.some((line) => line.includes('"pg2"')))
    assert.ok(hidden.includes('haproxy_backend_agg_server_status{proxy="replicas",state="MAINT"} 1'))
  })

  test('a label is escaped', async () => {
    const listener = sampleListener('a"b\\c', 'primary', { pg1: '' })
    const status = sampleStatus({ view: sampleView(), proxy: sampleProxy({ listeners: [listener] }) })
    assert.ok((await lines(status)).includes('haproxy_frontend_current_sessions{proxy="a\\"b\\\\c"} 0'))
  })

  test('without a proxy there are only those of the process', async () => {
    const all = await lines(sampleStatus({ view: sampleView(), proxy: null }))
    assert.deepEqual(all.filter((line) => !/^$|haproxy_process_/.test(line)), []) // prettier-ignore
  })

  test('many members are written in slices, and a family has its header once', async () => {
    const names = Array.from({ length: 1000 }, (_, at) => `pg${at}`)
    const reasons = Object.fromEntries(names.map((name) => [name, '']))
    const listeners = [sampleListener('replicas', 'replica', reasons)]
    const view = sampleView({ members: names.map((name) => sampleMember(name)) })
    const status = sampleStatus({ view, proxy: sampleProxy({ listeners }) })
    const slices: string[] = []
    for await (const slice of haproxyFamilies(status, { scopes: ['server'], noMaint: false }, FIGURES))
      slices.push(slice)
    assert.ok(slices.length > 100)
    assert.ok(slices.every((slice) => slice.length < 100_000))
    const text = slices.join('')
    assert.equal(text.match(/^# TYPE haproxy_server_status /gm)?.length, 1)
    assert.equal(text.match(/^haproxy_server_status\{/gm)?.length, 5000)
    const headers = text.match(/^# TYPE .*$/gm) ?? []
    assert.equal(new Set(headers).size, headers.length)
  })
})
