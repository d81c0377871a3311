import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  dropsStatements,
  firstWords,
  isCopyIn,
  loneSleepMs,
  makesTemporary,
  resetsSettings,
  takeover,
  touchesSettings,
} from '../../../../src/demo/postgres/context.ts'
import { frame, query } from '../../../../src/demo/postgres/frames.ts'

const PRIMARY = { member: 'pg1', port: 15432, readOnly: false }
const REPLICA = { ...PRIMARY, readOnly: true }
test('makes a session on a replica read-only whatever it has set', () => {
  const settings = new Map([['default_transaction_read_only', 'off']])
  const sql = takeover(REPLICA, 7, settings)
  assert.ok(
    sql.lastIndexOf(`'default_transaction_read_only', E'on'`) > sql.indexOf(`'default_transaction_read_only', E'off'`),
  )
  assert.ok(!takeover(PRIMARY, 7, new Map()).includes('read_only'))
})

test('quotes what a client has chosen', () => {
  const sql = takeover(PRIMARY, 7, new Map([['application_name', `a'b\\'c`]]))
  assert.ok(sql.includes(`E'a''b\\\\''c'`))
})

test('forgets the session before first of all', () => {
  assert.match(takeover(PRIMARY, 7, new Map()), /^RESET SESSION AUTHORIZATION; RESET ALL; /)
})

test('tells a COPY that can be fed from one that cannot', () => {
  for (const sql of ['copy t from stdin', ' COPY t (a, b) FROM STDIN with (format csv);', '-- x\ncopy t from stdin'])
    assert.equal(isCopyIn(sql), true, sql)
  for (const sql of ['copy t to stdout', 'select 1', `insert into t values ('from')`])
    assert.equal(isCopyIn(sql), false, sql)
  for (const sql of ['begin; copy t from stdin', 'copy t from stdin; select 1']) assert.equal(isCopyIn(sql), null, sql)
})

test('recognizes a statement that only sleeps', () => {
  const sleeps = (sql: string) => loneSleepMs([{ type: 'Q', bytes: query(sql) }])
  assert.deepEqual(['select pg_sleep(15)', ' SELECT pg_catalog.pg_sleep( 0.5 ) ; '].map(sleeps), [15_000, 500])
  for (const sql of ['select pg_sleep(1), 2', 'select pg_sleep(1); select 2', 'select pg_sleep(n) from t', 'select 1'])
    assert.equal(sleeps(sql), null, sql)
  assert.equal(loneSleepMs([{ type: 'P', bytes: frame('P', '', 'select pg_sleep(1)', Buffer.alloc(2)) }]), null)
})

test('names a statement by its first words, and no value in it', () => {
  const words = (sql: string) => firstWords([{ type: 'Q', bytes: query(sql) }])
  assert.deepEqual([`alter  role 'x'`, 'copy t1 to stdout', `select 'secret'`, '1'].map(words), [
    ...['alter role', 'copy', 'select', ''],
  ])
})

test('recognizes the statements after which something has to be remembered or restored', () => {
  assert.deepEqual(['set a = 1', `select set_config('a', 'b', false)`, 'select 1'].map(touchesSettings), [
    true,
    true,
    false,
  ])
  assert.deepEqual(['reset all', 'DISCARD ALL', `set demo.member = 'x'`, 'set a = 1'].map(resetsSettings), [
    ...[true, true, true, false],
  ])
  assert.deepEqual(['deallocate all', 'DEALLOCATE PREPARE ALL', 'discard all', 'deallocate x'].map(dropsStatements), [
    ...[true, true, true, false],
  ])
  assert.deepEqual(['create temp table t ()', 'create TEMPORARY view v', 'select template'].map(makesTemporary), [
    ...[true, true, false],
  ])
})
