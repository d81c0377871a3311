import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { statCsvParts } from '../../../../src/admin/haproxy/csv.ts'
import { statJsonParts } from '../../../../src/admin/haproxy/json.ts'
import { type StatRow, statRows, type Values } from '../../../../src/admin/haproxy/rows.ts'
import type { RouterStatus } from '../../../../src/admin/status.ts'
import { NO_COUNTS } from '../../../../src/proxy/status.ts'
import type { LastCheck } from '../../../../src/watcher/counts.ts'
import { NOW, sampleListener, sampleMember, sampleProxy, sampleStatus, sampleView } from '../sample.ts'
import { CHECKS, haproxyStatus, PRIMARY_TRAFFIC } from './sample.ts'

function row(status: RouterStatus, section: string, name: string): StatRow {
  const found = statRows(status).find((each) => each.section === section && each.values.svname === name)
  assert.ok(found, `${section}/${name}`)
  return found
}

function picked(values: Values, names: readonly (keyof Values)[]): readonly unknown[] {
  return names.map((name) => values[name] ?? null)
}

describe('the rows of `show stat`', () => {
  test('a listener is a frontend, a server for each member and a backend, with numbers as HAProxy has them', () => {
    const rows = statRows(haproxyStatus()).map(({ kind, values }) => [
      kind,
      ...picked(values, ['pxname', 'iid', 'sid']),
    ])
    assert.deepEqual(rows, [
      ['frontend', 'primary', 2, 0],
      ['server', 'primary', 2, 1],
      ['server', 'primary', 2, 2],
      ['server', 'primary', 2, 3],
      ['backend', 'primary', 2, 0],
      ['frontend', 'replicas', 3, 0],
      ['server', 'replicas', 3, 1],
      ['server', 'replicas', 3, 2],
      ['server', 'replicas', 3, 3],
      ['backend', 'replicas', 3, 0],
    ])
  })

  test('with several clusters the name of a proxy begins with its cluster', () => {
    const two = sampleStatus(
      { view: sampleView({ name: 'a' }), proxy: sampleProxy() },
      { view: sampleView({ name: 'b' }), proxy: sampleProxy() },
    )
    const names = new Set(statRows(two).map(({ section }) => section))
    assert.deepEqual([...names], ['a:primary', 'a:replicas', 'b:primary', 'b:replicas'])
  })

  test('a server has what its member has carried through the listener, and its downs', () => {
    const { values } = row(haproxyStatus(), 'primary', 'pg1')
    assert.deepEqual(picked(values, ['scur', 'smax', 'stot', 'lbtot', 'bin', 'bout', 'rate', 'rate_max']), [
      ...[12, 20, 100, 100, 1000, 5000, 3, 9],
    ])
    assert.deepEqual(picked(values, ['econ', 'connect', 'srv_abrt', 'lastsess', 'chkfail', 'chkdown', 'lastchg']), [
      ...[4, 104, 2, 2, 5, 0, 60],
    ])
    assert.deepEqual(picked(values, ['qtime', 'ctime', 'ttime', 'weight', 'act', 'bck', 'addr']), [
      ...[0.25, 1.5, 250, 1, 1, 0, '10.0.0.1:5432'],
    ])
    const unused = row(haproxyStatus(), 'replicas', 'pg3').values
    assert.deepEqual(picked(unused, ['scur', 'stot', 'lastsess', 'addr']), [0, 0, -1, 'pg3.lan:5432'])
  })

  test('clients that are held are sessions of the frontend and the queue of the backend', () => {
    const status = haproxyStatus()
    assert.deepEqual(picked(row(status, 'primary', 'FRONTEND').values, ['scur', 'smax']), [15, 20])
    assert.deepEqual(picked(row(status, 'primary', 'BACKEND').values, ['qcur', 'qmax', 'scur']), [3, 7, 12])
  })

  test('the rate of a frontend is that of accepted connections, the rate of a backend that of sessions', () => {
    const rates = ['rate', 'rate_max'] as const
    const front = row(haproxyStatus(), 'primary', 'FRONTEND').values
    assert.deepEqual(picked(front, [...rates, 'conn_rate', 'conn_rate_max']), [5, 11, 5, 11])
    assert.deepEqual(picked(row(haproxyStatus(), 'primary', 'BACKEND').values, rates), [3, 9])
  })

  test('clients that are refused are errors of the backend, or connections that the frontend denies', () => {
    const refusals = { 'hold-timeout': 1, 'hold-limit': 2, 'connection-limit': 4, 'process-limit': 8, silent: 16 }
    const counts = {
      ...{ accepted: 99, failedDials: 32, gaveUp: 64, refusals: { ...NO_COUNTS.refusals, ...refusals } },
      endings: { ...NO_COUNTS.endings, 'client-gone': 1, 'client-timeout': 2 },
    }
    const listener = sampleListener('primary', 'primary', { pg1: '' }, { counts, maxConnections: 50 })
    const status = sampleStatus({ view: sampleView(), proxy: sampleProxy({ listeners: [listener] }) })
    const front = row(status, 'primary', 'FRONTEND').values
    assert.deepEqual(picked(front, ['stot', 'conn_tot', 'dcon', 'ereq', 'slim']), [99, 99, 12, 16, 50])
    assert.deepEqual(picked(row(status, 'primary', 'BACKEND').values, ['econ', 'connect', 'cli_abrt']), [35, 32, 67])
  })

  test('the limit of a frontend is the lowest of its own, its cluster and the router', () => {
    const limited = { ...haproxyStatus(), maxConnections: 300 }
    assert.deepEqual(picked(row(limited, 'primary', 'FRONTEND').values, ['slim']), [300])
    const cluster = (name: string, maxConnections: number) => ({
      ...{ view: sampleView({ name }), proxy: sampleProxy({ maxConnections }) },
    })
    const two = { ...sampleStatus(cluster('a', 50), cluster('b', 60)), maxConnections: 110 }
    assert.deepEqual(picked(row(two, 'a:primary', 'FRONTEND').values, ['slim']), [50])
    assert.deepEqual(picked(row(two, 'b:primary', 'FRONTEND').values, ['slim']), [60])
    assert.deepEqual(picked(row(haproxyStatus(), 'primary', 'FRONTEND').values, ['slim']), [null])
  })

  test('an override is the state of the member in all listeners, and takes it out of the backend', () => {
    for (const [state, shown] of [['drain', 'DRAIN'], ['maint', 'MAINT']] as const) {
      const status = haproxyStatus({ pg2: state })
      for (const section of ['primary', 'replicas'])
        assert.equal(row(status, section, 'pg2').values.status, shown, section)
      assert.deepEqual(picked(row(status, 'replicas', 'BACKEND').values, ['status', 'act', 'weight']), ['DOWN', 0, 0])
    }
  }) // prettier-ignore

  test('the primary that serves because no replica can is a backup server', () => {
    const reasons = { pg1: 'is the leader', pg2: 'lags', pg3: 'lags' }
    const listener = sampleListener('replicas', 'replica', reasons, { fallback: true })
    const status = sampleStatus({ view: sampleView(), proxy: sampleProxy({ listeners: [listener] }) })
    assert.deepEqual(picked(row(status, 'replicas', 'pg1').values, ['status', 'act', 'bck']), ['UP', 0, 1])
    assert.deepEqual(picked(row(status, 'replicas', 'BACKEND').values, ['status', 'act', 'bck']), ['UP', 0, 1])
  })

  test('the downs of a backend are its own, whichever members are there', () => {
    const listener = sampleListener('replicas', 'replica', { pg2: '' }, { downs: 3 })
    const status = sampleStatus({ view: sampleView(), proxy: sampleProxy({ listeners: [listener] }) })
    assert.deepEqual(picked(row(status, 'replicas', 'BACKEND').values, ['chkdown']), [3])
  })

  test('a frontend that cannot listen, or that is shutting down, is stopped', () => {
    const listener = sampleListener('p', 'primary', { pg1: '' }, { fault: { kind: 'listen', reason: 'in use' } })
    const faulty = sampleStatus({ view: sampleView(), proxy: sampleProxy({ listeners: [listener] }) })
    assert.equal(row(faulty, 'p', 'FRONTEND').values.status, 'STOP')
    assert.equal(row({ ...haproxyStatus(), stopping: true }, 'primary', 'FRONTEND').values.status, 'STOP')
    assert.equal(row(haproxyStatus(), 'primary', 'FRONTEND').values.status, 'OPEN')
  })

  test('the check of a server is what HAProxy would have found with the check of that route', () => {
    const last = (changes: Partial<LastCheck>): LastCheck => ({
      ...{ at: NOW, tookMs: 3, outcome: 'passed', httpStatus: 200, reason: '', ...changes },
    })
    const cases: readonly (readonly [LastCheck | null, section: string, status: string, code: number | null])[] = [
      [null, 'replicas', 'INI', null],
      [last({}), 'replicas', 'L7OK', 200],
      [last({}), 'primary', 'L7STS', 503],
      [last({ outcome: 'no', httpStatus: 503, reason: 'starting' }), 'replicas', 'L7STS', 503],
      [last({ outcome: 'no', httpStatus: null, reason: 'not JSON' }), 'replicas', 'L7RSP', null],
      [last({ outcome: 'none', httpStatus: null, reason: 'no answer' }), 'replicas', 'L4TOUT', null],
      [last({ outcome: 'refused', httpStatus: null, reason: 'refused' }), 'replicas', 'L4CON', null],
    ]
    for (const [check, section, status, code] of cases) {
      const others = Object.fromEntries(Object.entries(CHECKS).filter(([name]) => name !== 'pg2'))
      const { values } = row(haproxyStatus({}, check === null ? others : { ...others, pg2: check }), section, 'pg2')
      assert.deepEqual(picked(values, ['check_status', 'check_code']), [status, code], status)
    }
    const { values, check } = row(haproxyStatus({ pg2: 'maint' }), 'replicas', 'pg2')
    assert.deepEqual([values.check_status, check], [undefined, null])
    assert.equal(row(haproxyStatus(), 'primary', 'pg2').values.last_chk, 'is a replica')
    const drained = row(haproxyStatus({ pg2: 'drain' }), 'replicas', 'pg2').values
    assert.deepEqual(picked(drained, ['check_status', 'last_chk']), ['L7OK', 'drained by alice'])
  })

  test('words leave out servers that are down or in maintenance, and have the backend count', () => {
    const status = haproxyStatus({ pg2: 'maint' })
    const shown = (words: readonly string[]): readonly string[] =>
      [...statCsvParts(status, words)].join('').split('\n').filter((line) => line.startsWith('primary,')).map((line) => line.split(',')[1] ?? '') // prettier-ignore
    assert.deepEqual(shown([]), ['FRONTEND', 'pg1', 'pg2', 'pg3', 'BACKEND'])
    assert.deepEqual(shown(['no-maint']), ['FRONTEND', 'pg1', 'pg3', 'BACKEND'])
    assert.deepEqual(shown(['up']), ['FRONTEND', 'pg1', 'BACKEND'])
    assert.doesNotMatch([...statJsonParts(status, ['up'])].join(''), /"pg[23]"/)
    assert.match([...statJsonParts(status, ['up'])].join(''), /UP \(1\/3\)/)
  })

  test('without a proxy there is only the header', () => {
    const status = sampleStatus({ view: sampleView(), proxy: null })
    assert.match([...statCsvParts(status)].join(''), /^# pxname,svname,.*,\n$/)
    assert.equal([...statJsonParts(status)].join(''), '[]')
  })

  test('a cell with a comma or a quote is quoted, and whole numbers are written', () => {
    const listener = sampleListener('a"b', 'primary', { pg1: 'late, "very"\nindeed' }, { traffic: PRIMARY_TRAFFIC })
    const view = sampleView({ members: [sampleMember('pg1')] })
    const [, , server = ''] = [...statCsvParts(sampleStatus({ view, proxy: sampleProxy({ listeners: [listener] }) }))]
      .join('')
      .split('\n')
    assert.ok(server.startsWith('"a""b",pg1,'), server)
    assert.ok(server.includes(',"late, ""very""\\x0aindeed",,0,2,0,250,'), server)
  })
})
