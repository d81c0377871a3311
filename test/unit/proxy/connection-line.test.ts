import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  type ConnectionEnd,
  connectionLine,
  type EndedConnection,
  type Stage,
  terminationOf,
} from '../../../src/proxy/connection-line.ts'

const ENDED: EndedConnection = {
  ...{ listener: 'primary', route: 'primary', endedAt: 1000, client: '10.0.3.17', clientPort: 53412 },
  ...{ member: 'pg1', memberAddress: { host: 'fd00::1', port: 5432 }, localAddress: 'fd00::9', localPort: 41234 },
  ...{
    heldMs: 0,
    connectMs: 3,
    durationMs: 12_345,
    bytesIn: 1,
    bytesOut: 2,
    reason: 'client-closed',
    stage: 'session',
  },
}

const messageOf = (changes: Partial<EndedConnection>, cluster: string | null = null): string =>
  connectionLine({ ...ENDED, ...changes }, cluster).message

test('a line has what is known of the connection, and no stage', () => {
  assert.deepEqual(connectionLine(ENDED, null), {
    at: 1000,
    fields: {
      ...{ event: 'connection', listener: 'primary', route: 'primary', client: '10.0.3.17', clientPort: 53412 },
      ...{ member: 'pg1', memberAddress: '[fd00::1]:5432', localAddress: 'fd00::9', localPort: 41234 },
      ...{ heldMs: 0, connectMs: 3, durationMs: 12_345, bytesIn: 1, bytesOut: 2 },
      ...{ reason: 'client-closed', termination: '--' },
    },
    message: 'primary: 10.0.3.17:53412 to pg1: client-closed after 12.3 s',
  })
})

test('where there are several clusters its own is named, as in the other lines', () => {
  const { fields, message } = connectionLine(ENDED, 'shop')
  assert.equal(fields['cluster'], 'shop')
  assert.equal(message, 'shop: primary: 10.0.3.17:53412 to pg1: client-closed after 12.3 s')
})

test('the message names the client as far as it is known', () => {
  assert.match(
    messageOf({ client: '/run/pg/.s.PGSQL.5000', clientPort: null }),
    /^primary: \/run\/pg\/\.s\.PGSQL\.5000 /,
  )
  assert.match(messageOf({ client: 'fd00::7', clientPort: 7 }), /^primary: \[fd00::7\]:7 to/)
  assert.match(messageOf({ client: null, clientPort: null }), /^primary: a client to/)
  assert.match(messageOf({ member: null, memberAddress: null, reason: 'hold-timeout' }), /:53412: hold-timeout after/)
})

// HAProxy's configuration manual, 8.5.
const STATES: readonly [ConnectionEnd, Stage, string][] = [
  ...stages('client-closed', 'CR', 'CQ', 'CC', '--'),
  ...stages('client-reset', 'CR', 'CQ', 'CC', 'CD'),
  ...stages('shutdown', 'KR', 'KQ', 'KC', 'KD'),
  ...stages('silent', 'cR', 'PQ', 'PC'),
  ['server-closed', 'connect', 'SC'],
  ['server-closed', 'session', '--'],
  ['server-reset', 'session', 'SD'],
  ['client-gone', 'session', 'CD'],
  ['client-timeout', 'session', 'cD'],
  ['server-timeout', 'session', 'sD'],
  ['fence', 'session', 'DD'],
  ['member-down', 'session', 'DD'],
  ['member-moved', 'session', 'DD'],
  ['fallback-over', 'session', 'UD'],
  ['admin', 'session', 'KD'],
  ['drain-timeout', 'session', 'KD'],
  ['hold-timeout', 'queue', 'sQ'],
  ['hold-limit', 'queue', 'SQ'],
  ['connection-limit', 'request', 'PR'],
  ['process-limit', 'request', 'PC'],
  ['cancel', 'request', '--'],
]

function stages(reason: ConnectionEnd, ...states: readonly string[]): [ConnectionEnd, Stage, string][] {
  const all: readonly Stage[] = ['request', 'queue', 'connect', 'session']
  return all.slice(0, states.length).map((stage, index) => [reason, stage, states[index] ?? ''])
}

for (const [reason, stage, state] of STATES)
  test(`${reason} of a connection in the stage ${stage} is ${state}`, () =>
    assert.equal(terminationOf(reason, stage), state))
