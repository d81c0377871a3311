import assert from 'node:assert/strict'
import { test } from 'node:test'
import { frame, query } from '../../../../src/demo/postgres/frames.ts'
import { failing, refusalOf } from '../../../../src/demo/postgres/refusals.ts'

const refused = (sql: string, readOnly = false, type = 'Q') =>
  refusalOf({ type, bytes: type === 'Q' ? query(sql) : frame('P', '', sql, Buffer.alloc(2)) }, sql, readOnly)
const refusal = (sql: string, readOnly: boolean, type = 'Q') => refused(sql, readOnly, type)?.sqlState ?? null

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

const REASONS: readonly [sql: string, reason: RegExp][] = [
  ['create database shop', /one database, postgres, .* CREATE DATABASE is not possible/],
  [`select 1; Create\n DataBase "a b" owner x`, /one database/],
  ['alter database postgres rename to shop', /one database/],
  ['alter system set work_mem = 1000', /no settings of the server/],
  ['select pg_reload_conf()', /no settings of the server/],
  [`copy t from '/etc/passwd'`, /no files/],
  [`COPY t (a, b) TO E'/tmp/x' with (format csv)`, /no files/],
  [`copy (select a from t) to $$/tmp/x$$`, /no files/],
  [`select pg_read_file('/etc/passwd')`, /no files/],
  [`load 'auto_explain'`, /no files/],
  ['create extension if not exists pg_trgm', /no extension but plpgsql/],
  ['create extension "uuid-ossp"', /no extension but plpgsql/],
  [`create subscription s connection 'host=x' publication p`, /no connections to other servers/],
  [`select pg_create_physical_replication_slot('a')`, /no replication/],
  ['select pg_promote()', /no replication/],
  [`begin; prepare transaction 'a'`, /no prepared transactions/],
  ['listen a', /no notifications/],
]
for (const [sql, reason] of REASONS)
  test(`gives the reason for refusing: ${sql}`, () => assert.match(refused(sql)?.message ?? '', reason))

for (const sql of [
  'create extension if not exists plpgsql',
  `insert into t values ('x; create database y')`,
  `select $x$ listen a; $x$ -- ; listen b`,
  'select 1 as "; listen a"',
  `copy (select substring(a from '/') from t) to stdout`,
  `copy t from stdin (delimiter ',', null '')`,
  `comment on table t is 'copy t from ''/x'''`,
  'create role bob login',
])
  test(`does not refuse: ${sql}`, () => assert.equal(refused(sql), null))

test('quotes what a refusal says, and gives advice', () => {
  const sql = failing({ sqlState: '0A000', message: `it's`, hint: 'a \\ b' })
  assert.ok(
    sql.includes(String.raw`ERRCODE = '0A000', MESSAGE = E'it''s', SCHEMA = 'demo_refused_this', HINT = E'a \\ b'`),
    sql,
  )
})
