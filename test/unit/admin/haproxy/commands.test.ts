import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { findCommand, parseLine } from '../../../../src/admin/command.ts'
import { haproxyCommands } from '../../../../src/admin/haproxy/commands.ts'
import { humanTime } from '../../../../src/admin/haproxy/sessions.ts'
import { infoCommand } from '../../../../src/admin/haproxy/stat-command.ts'
import type { RouterStatus } from '../../../../src/admin/status.ts'
import { totalsOf } from '../../../../src/router/totals.ts'
import { sampleProxy, sampleStatus, sampleView } from '../sample.ts'
import { answerOf, haproxyStatus, RecordingActs } from './sample.ts'

async function asked(
  line: string,
  acts = new RecordingActs(),
  status: RouterStatus = haproxyStatus(),
): Promise<string> {
  const [words = []] = parseLine(line)
  const commands = [infoCommand(() => status), ...haproxyCommands(() => status, acts)]
  const found = findCommand(commands, words)
  assert.ok(found, line)
  return answerOf(found.command, found.args)
}

const BY = 'admin socket'

describe('commands that drive', () => {
  test('a server is made ready, drained or put into maintenance: its member, in all listeners', async () => {
    for (const [line, state] of [
      ['set server replicas/pg2 state drain', 'drain'],
      ['set server replicas/pg2 state maint', 'maint'],
      ['set server replicas/pg2 state ready', 'ready'],
      ['disable server replicas/pg2', 'maint'],
      ['enable server replicas/pg2', 'ready'],
    ] as const) {
      const acts = new RecordingActs()
      assert.equal(await asked(line, acts), '', line)
      assert.deepEqual(acts.calls, [['setMember', { cluster: 'demo', member: 'pg2' }, state, null, BY]], line)
    }
  })

  test('with several clusters the proxy names the cluster', async () => {
    const acts = new RecordingActs()
    const one = { view: sampleView({ name: 'a' }), proxy: sampleProxy() }
    const status = sampleStatus(one, { ...one, view: sampleView({ name: 'b' }) })
    assert.equal(await asked('disable server b:replicas/pg2', acts, status), '')
    assert.equal(await asked('disable server replicas/pg2', acts, status), 'No such backend.\n')
    assert.equal(await asked('set maxconn frontend b:primary 10', acts, status), '')
    assert.deepEqual(acts.calls, [
      ['setMember', { cluster: 'b', member: 'pg2' }, 'maint', null, BY],
      ['limitListener', { cluster: 'b', listener: 'primary' }, 10, BY],
    ])
  })

  test('a refusal of the router is the answer', async () => {
    assert.equal(await asked('disable server replicas/pg3'), 'pg3 has gone\n')
  })

  test('weights and addresses are refused by name, and nothing is changed', async () => {
    const acts = new RecordingActs()
    const weights = 'Weights are not supported: all servers of a backend have the same weight.\n'
    for (const line of ['set weight primary/pg1 10', 'set weight primary/pg1 50%', 'get weight primary/pg1', 'set server primary/pg1 weight 5'])
      assert.equal(await asked(line, acts), weights, line) // prettier-ignore
    const followed = "'set server <srv> addr' is not supported: the router follows Patroni there.\n"
    assert.equal(await asked('set server primary/pg1 addr 10.0.0.9', acts), followed)
    const usage = 'usage: set server <backend>/<server> state\n'
    for (const line of ['set server primary/pg1', 'set server primary/pg1 foo'])
      assert.equal(await asked(line, acts), usage)
    for (const value of ['many', '1.5', '2147483648']) {
      const answer = await asked(`set maxconn frontend primary ${value}`, acts)
      assert.match(answer, /^(?:Integer value expected|Value out of range)\.\n$/)
    }
    assert.deepEqual(acts.calls, [])
  })

  test('sessions are closed by their id, in any base of C, or by their server', async () => {
    const acts = new RecordingActs()
    for (const line of ['shutdown session 0x1f', 'shutdown session 31', 'shutdown sessions server primary/pg1'])
      assert.equal(await asked(line, acts), '', line)
    assert.deepEqual(acts.calls, [
      ['closeSessions', { id: '0x1f' }, BY],
      ['closeSessions', { id: '0x1f' }, BY],
      ['closeSessions', { cluster: 'demo', listener: 'primary', member: 'pg1' }, BY],
    ])
    assert.equal(await asked('shutdown session 0x99'), "No such session (use 'show sess').\n")
  })

  test('without acts there are only those that show statistics', () => {
    const commands = haproxyCommands(haproxyStatus, null)
    assert.deepEqual(
      commands.map(({ words }) => words.join(' ')),
      ['show stat', 'show servers state'],
    )
  })
})

describe('commands that show', () => {
  test('`show stat` shows the proxy, the kinds and the server that are chosen', async () => {
    const rows = async (line: string): Promise<readonly string[]> =>
      (await asked(line)).split('\n').slice(1, -1).map((row) => row.split(',', 2).join('/')) // prettier-ignore
    const all = await rows('show stat')
    assert.equal(all.length, 10)
    assert.deepEqual(await rows('show stat -1 -1 -1'), all)
    assert.deepEqual(await rows('show stat 3 4 2'), ['replicas/pg2'])
    assert.deepEqual(await rows('show stat replicas 4 2'), ['replicas/pg2'])
    assert.deepEqual(await rows('show stat -1 1 -1'), ['primary/FRONTEND', 'replicas/FRONTEND'])
    assert.deepEqual(await rows('show stat primary 3 0'), ['primary/FRONTEND', 'primary/BACKEND'])
    assert.deepEqual(await rows('show stat 9 -1 -1'), [])
    // Without all three it is no choice, as in HAProxy.
    assert.deepEqual(await rows('show stat primary'), all)
  })

  test('`show stat up` leaves out servers that are down, `no-maint` those in maintenance, and the backend counts', async () => {
    const status = haproxyStatus({ pg2: 'maint' })
    const names = async (line: string): Promise<string> =>
      (await asked(line, undefined, status)).split('\n').slice(1, -1).map((row) => `${row.split(',')[1] ?? ''} ${row.split(',')[17] ?? ''}`).join(', ') // prettier-ignore
    assert.equal(await names('show stat primary -1 -1 up'), 'FRONTEND OPEN, pg1 UP, BACKEND UP (1/3)')
    assert.equal(await names('show stat primary -1 -1 no-maint'), 'FRONTEND OPEN, pg1 UP, pg3 DOWN, BACKEND UP (1/3)')
  })

  test('`show sess` has a line for each session, or all of one', async () => {
    const answer = await asked('show sess')
    assert.match(answer, /^0x1f: proto=tcpv4 src=10\.1\.1\.1:40000 fe=primary be=primary srv=pg1 .* age=1h2m /)
    assert.match(answer, /\n0x20: proto=tcpv6 src=::1:40001 fe=replicas be=replicas srv=pg2 .* age=7s /)
    const one = await asked('show sess 0x20')
    assert.match(one, /^0x20: \[20\/Nov\/2026:03:14:47\.000000\] id=32 proto=tcpv6 source=::1:40001\n/)
    assert.match(one, /\n {2}backend=replicas \(id=3 mode=tcp\)\n {2}server=pg2 \(id=2\) addr=10\.0\.0\.2:5432\n/)
    assert.equal(await asked('show sess all'), (await asked('show sess 0x1f')) + one)
    assert.equal(await asked('show sess 0x21'), 'Session not found.\n')
  })

  test('`show servers state` has state, check and address of each server', async () => {
    const answer = await asked('show servers state replicas', undefined, haproxyStatus({ pg2: 'drain' }))
    assert.deepEqual(answer.split('\n').slice(2), [
      '3 replicas 1 pg1 10.0.0.1 0 0 1 1 60 17 2 0 6 0 0 0 - 5432 - 0 8008 - - 0',
      '3 replicas 2 pg2 10.0.0.2 2 8 1 1 60 15 3 1 6 0 0 0 - 5432 - 0 8008 - - 0',
      '3 replicas 3 pg3 pg3.lan 0 0 1 1 60 8 2 0 6 0 0 0 pg3.lan 5432 - 0 8008 - - 0',
      '',
    ])
  })

  test('`show info` counts the connections of all listeners, those that are held too', async () => {
    const answer = await asked('show info')
    for (const line of ['Name: patroni-router', 'CurrConns: 16', 'CumConns: 1234', 'Uptime: 1d 3h46m40s', 'node: lb1'])
      assert.ok(answer.split('\n').includes(line), line)
    assert.match(await asked('show info json'), /^\[\{"field":\{"pos":0,"name":"Name"\},"processNum":1,"tags":/)
  })

  test('`show info` counts what listeners and clusters had that are removed', async () => {
    const removed = { accepted: 30, sessions: 28, bytesIn: 1000, bytesOut: 500 }
    const proxy = sampleProxy({ listeners: [] })
    const leaving = {
      ...sampleProxy({ listeners: [], sessions: [{ member: 'pg1', listener: 'primary', sessions: 2 }] }),
      ...{ held: { connections: 0, oldestMs: null } },
      totals: { ...proxy.totals, accepted: 0, sessions: 0, bytesIn: 0, bytesOut: 0 },
    }
    const status = { ...sampleStatus({ view: sampleView(), proxy }), totals: totalsOf([proxy, leaving], removed) }
    const lines = (await asked('show info', undefined, status)).split('\n')
    for (const line of ['CurrConns: 18', 'CumConns: 1264', 'CumReq: 1258', 'TotalBytesOut: 9153500'])
      assert.ok(lines.includes(line), line)
  })
})

test('a duration has two units at most', () => {
  const cases = { 0: '0s', 999: '0s', 7000: '7s', 60_000: '1m', 3_725_000: '1h2m', 90_000_000: '1d1h' }
  for (const [ms, text] of Object.entries(cases)) assert.equal(humanTime(Number(ms)), text)
})
