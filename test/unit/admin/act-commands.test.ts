import assert from 'node:assert/strict'
import { test } from 'node:test'
import { actCommands } from '../../../src/admin/act-commands.ts'
import { findCommand, parseLine } from '../../../src/admin/command.ts'
import { sampleActs } from './sample.ts'

function never(): never {
  throw new Error('no act is about the connection')
}

/** Returns the answer to a line, and what the router was asked for. */
async function run(line: string, refusal: string | null = null): Promise<readonly [answer: string, asked: unknown]> {
  const noted: string[] = []
  const [words = []] = parseLine(line)
  const found = findCommand(actCommands(sampleActs(noted, refusal)), words)
  assert.ok(found, line)
  const session = { togglePrompt: never, setIdleTimeout: never, quit: never }
  const { signal } = new AbortController()
  const answer = await found.command.run(found.args, { ...session, signal, interrupted: signal })
  assert.equal(typeof answer, 'string')
  return [answer as string, noted.length === 0 ? null : JSON.parse(noted[0] ?? '')]
}

const ONLY = { cluster: null, listener: null }

for (const [line, asked] of [
  ['member drain pg2', ['setMember', { cluster: null, member: 'pg2' }, 'drain', null, 'admin socket']],
  [
    'member maint pg2 for 30m cluster main by alice',
    ['setMember', { cluster: 'main', member: 'pg2' }, 'maint', 1_800_000, 'alice'],
  ],
  [String.raw`member ready a\ b by al\;ice`, ['setMember', { cluster: null, member: 'a b' }, 'ready', null, 'al;ice']],
  ['hold', ['hold', ONLY, null, 'admin socket']],
  ['hold listener primary for 90s', ['hold', { ...ONLY, listener: 'primary' }, 90_000, 'admin socket']],
  ['release cluster main by bob', ['release', { ...ONLY, cluster: 'main' }, 'bob']],
  [
    'sessions close member pg2 client 10.0.0.9',
    ['closeSessions', { member: 'pg2', client: '10.0.0.9' }, 'admin socket'],
  ],
  ['sessions close all by bob', ['closeSessions', {}, 'bob']],
  ['sessions listener replicas max 20', ['sessions', { listener: 'replicas' }, 20]],
] as const)
  test(`requests what is meant: ${line}`, async () => {
    assert.deepEqual((await run(line))[1], asked)
  })

for (const [line, answer] of [
  ['member', 'expects drain, maint, ready and a member'],
  ['member stop pg2', 'expects drain, maint, ready and a member'],
  ['member drain pg2 pg3', 'pg3: expects cluster, for, by'],
  ['member drain pg2 for', 'expects a value after for'],
  ['member drain pg2 for 30', 'for: "30" needs a unit: ms, s, m or h, like 3s'],
  ['hold primary', 'primary: expects cluster, listener, for, by'],
  ['hold for 1m for 2m', 'for is there twice'],
  ['sessions max 0', 'max: expects a number from 1 to 10000'],
  ['sessions close', 'expects all, or one of cluster, listener, member, client, id'],
  ['sessions close by bob', 'expects all, or one of cluster, listener, member, client, id'],
] as const)
  test(`does nothing, and says why: ${line}`, async () => {
    assert.deepEqual(await run(line), [`Refused: ${answer}`, null])
  })

test('a refusal is answered in one line that a terminal can show, and another error is one of the router', async () => {
  const [answer] = await run('member drain pg9', 'there is no member \x1b[2J: there is pg1')
  assert.equal(answer, 'Refused: there is no member \\x1b[2J: there is pg1')
  const acts = { ...sampleActs(), release: () => Promise.reject(new Error('broken')) }
  const { command } = findCommand(actCommands(acts), ['release']) ?? {}
  assert.ok(command)
  const { signal } = new AbortController()
  const session = { togglePrompt: never, setIdleTimeout: never, quit: never }
  await assert.rejects(async () => command.run([], { ...session, signal, interrupted: signal }), /broken/)
})

test('sessions are a table, or JSON in one line', async () => {
  const [table] = await run('sessions')
  assert.match(table, /^\+ 3 sessions /)
  assert.match(table, /^\| 0x1f +\| 10\.0\.0\.9:40000 \| replicas \| pg2 +\| .*\| +1 \| +3907 \|$/m)
  assert.match(table, /\n\.\.\. and 2 more, which are younger\n$/)
  const [json] = await run('sessions json')
  assert.match(json, /^[^\n]+$/)
  const { total, sessions } = JSON.parse(json) as { total: number; sessions: readonly { since: string }[] }
  assert.deepEqual([total, sessions[0]?.since], [3, '2026-11-20T03:13:54.000Z'])
})
