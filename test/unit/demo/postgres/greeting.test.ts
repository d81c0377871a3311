import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorOf, splitFrames } from '../../../../src/demo/postgres/frames.ts'
import { type Greeting, greet } from '../../../../src/demo/postgres/greeting.ts'
import { firstAnswer } from '../../../../src/pgwire.ts'

const UP: Greeting = {
  state: 'up',
  identity: { member: 'pg2', port: 15433, readOnly: true },
  serverVersion: '18.6',
}
const BOB = { user: 'bob', database: 'postgres' }
const welcome = (parameters: Record<string, string>, greeting = UP, minor = 0) =>
  greet(greeting, new Map(Object.entries(parameters)), { pid: 42, secret: 43 }, minor)

/** `name=value` of each ParameterStatus, and the types of all other messages. */
const told = (answer: Buffer) =>
  splitFrames(answer)?.frames.map(({ type, bytes }) =>
    type === 'S' ? bytes.toString('utf8', 5, bytes.length - 1).replace('\0', '=') : type,
  ) ?? []

test('lets any user in without a password, and says what drivers ask for', () => {
  const { answer, settings } = welcome({ ...BOB, application_name: 'psql' })
  const messages = told(answer)
  assert.equal(messages[0], 'R')
  assert.deepEqual(messages.slice(-2), ['K', 'Z'])
  for (const status of ['server_version=18.6', 'in_hot_standby=on', 'application_name=psql', 'client_encoding=UTF8'])
    assert.ok(messages.includes(status), status)
  assert.deepEqual([...(settings ?? [])], [['application_name', 'psql']])
  assert.equal(firstAnswer(answer).kind, 'up')
})

test('uses UTF-8 with clients that request another encoding, and says so', () => {
  const rows = { LATIN1: 'UTF8', 'utf-8': 'UTF8', WIN1252: 'UTF8', sql_ascii: 'SQL_ASCII' }
  for (const [asked, spoken] of Object.entries(rows))
    for (const parameters of [{ client_encoding: asked }, { options: `-c Client_Encoding=${asked}` }]) {
      const { answer, settings } = welcome({ ...BOB, ...parameters })
      assert.ok(told(answer).includes(`client_encoding=${spoken}`), asked)
      assert.deepEqual([...(settings ?? []).values()], spoken === 'UTF8' ? [] : ['SQL_ASCII'])
    }
})

test('takes the settings in options', () => {
  const { settings } = welcome({ ...BOB, options: '-c statement_timeout=5s --search-path=a\\ b -c geqo=off' })
  assert.deepEqual(Object.fromEntries(settings ?? []), { statement_timeout: '5s', search_path: 'a b', geqo: 'off' })
})

for (const [state, message] of [
  ['starting', 'the database system is starting up'],
  ['stopping', 'the database system is shutting down'],
] as const)
  test(`refuses every client while it is ${state}, as PostgreSQL does`, () => {
    const { answer, settings } = welcome(BOB, { ...UP, state })
    assert.deepEqual(firstAnswer(answer), { kind: 'down', message: `${message} (57P03)` })
    assert.equal(settings, null)
  })

test('has one database, which is not that of the name of the user', () => {
  for (const parameters of [{ user: 'bob' }, { user: 'bob', database: 'shop' }]) {
    const { answer, settings } = welcome(parameters)
    assert.match(errorOf(answer) ?? '', /^database "(bob|shop)" does not exist$/)
    assert.equal(settings, null)
  }
  assert.notEqual(welcome({ user: 'postgres' }).settings, null)
})

test('negotiates a newer protocol down', () => {
  assert.equal(told(welcome(BOB, UP, 2).answer)[0], 'v')
  assert.equal(told(welcome({ ...BOB, '_pq_.x': '1' }).answer)[0], 'v')
})
