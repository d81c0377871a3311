import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  dropsStatements,
  firstWords,
  isCopyIn,
  loneSleepMs,
  makesTemporary,
  refusalOf,
  resetsSettings,
  takeover,
  touchesSettings,
} from '../../../src/demo/context.ts'
import { frame, query, sqlOf } from '../../../src/demo/frames.ts'

const PRIMARY = { member: 'pg1', port: 15432, readOnly: false }
const REPLICA = { ...PRIMARY, readOnly: true }
const refusal = (sql: string, readOnly: boolean, type = 'Q') => {
  const bytes = type === 'Q' ? query(sql) : frame('P', '', sql, Buffer.alloc(2))
  const instead = refusalOf({ type, bytes }, sql, readOnly)
  return instead === null ? null : /ERRCODE = '(\w+)'/.exec(sqlOf({ type: 'Q', bytes: instead }))?.[1]
}

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

const ESCAPES = [
  'begin read write',
  'START TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ  WRITE',
  'set session characteristics as transaction read write',
  'set transaction_read_only = off',
  `set default_transaction_read_only to 'false'`,
  `select set_config('transaction_read_only', 'off', true)`,
  'set transaction_read_only=0',
]
for (const sql of ESCAPES)
  test(`refuses on a replica only: ${sql}`, () => {
    assert.equal(refusal(sql, true), '25006')
    assert.equal(refusal(sql, true, 'P'), '25006')
    assert.equal(refusal(sql, false), null)
  })

for (const sql of ['show transaction_read_only', 'begin read only', 'set transaction_read_only = on', 'select 1'])
  test(`allows on a replica: ${sql}`, () => assert.equal(refusal(sql, true), null))

test('tells a COPY that can be fed from one that cannot', () => {
  for (const sql of ['copy t from stdin', ' COPY t (a, b) FROM STDIN with (format csv);', '-- x\ncopy t from stdin'])
    assert.equal(isCopyIn(sql), true, sql)
  for (const sql of ['copy t to stdout', 'select 1', `insert into t values ('from')`])
    assert.equal(isCopyIn(sql), false, sql)
  for (const sql of ['begin; copy t from stdin', 'copy t from stdin; select 1']) assert.equal(isCopyIn(sql), null, sql)
})

test('refuses to make or drop a database, of which there is one', () => {
  for (const sql of [
    'CREATE DATABASE shop',
    '/* x */ drop database if exists shop',
    '-- x\ncreate tablespace t location $$/x$$',
  ])
    for (const type of ['Q', 'P']) assert.equal(refusal(sql, false, type), '0A000', sql)
  for (const sql of ['create schema shop', 'alter database postgres set work_mem = 1000', `select 'create database x'`])
    assert.equal(refusal(sql, false), null, sql)
})

test('refuses what would make the server session wait for data that do not come', () => {
  assert.equal(refusal('begin; copy t from stdin', false), '0A000')
  assert.equal(refusal('copy t from stdin', false, 'P'), '0A000')
  assert.equal(refusal('copy t from stdin', false), null)
  assert.notEqual(refusalOf({ type: 'F', bytes: frame('F') }, '', false), null)
})

for (const sql of [
  `copy (select ';') to program 'ls'`,
  `COPY t FROM /* x */ PROGRAM $$ls$$`,
  `copy t to\nprogram E'ls'`,
])
  test(`refuses what needs a process: ${JSON.stringify(sql)}`, () => {
    assert.equal(refusal(sql, false), '0A000')
    assert.equal(refusal(sql, false, 'P'), '0A000')
  })

for (const sql of ['copy t to stdout', 'select program from copy', 'copy program to stdout', 'select 1 from program'])
  test(`needs no process: ${sql}`, () => assert.equal(refusal(sql, false), null))

test('knows a statement that only sleeps', () => {
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

test('knows the statements after which something has to be remembered or restored', () => {
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
