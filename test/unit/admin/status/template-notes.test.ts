import assert from 'node:assert/strict'
import { test } from 'node:test'
import { templateNotes } from '../../../../src/admin/status/template-notes.ts'
import { hasPrimary, statusJson } from '../../../../src/admin/status/json.ts'
import { widthOf } from '../../../../src/text/terminal.ts'
import type { CommandResult } from '../../../../src/templates/commands/run-command.ts'
import type { GroupStatus, TemplatesStatus, TemplateStatus } from '../../../../src/templates/status.ts'
import { NOW, sampleListener, sampleMember, sampleProxy, rendered, sampleStatus, sampleView } from '../sample.ts'

const CFG = '/etc/haproxy/haproxy.cfg'

function result(changes: Partial<CommandResult> = {}): CommandResult {
  return {
    ok: true,
    outcome: 'exited with 0',
    exitCode: 0,
    startedAt: NOW - 1000,
    durationMs: 500,
    output: '',
    ...changes,
  }
}

const FAILURE = result({ ok: false, outcome: 'exited with 1', exitCode: 1, output: 'parsing\nFatal errors found.\n' })

function template(changes: Partial<TemplateStatus> = {}): TemplateStatus {
  const source = '/etc/patroni-router/haproxy.cfg.hbs'
  const [renders, writtenAt, error, check, leftOut] = [1, null, null, null, []] as const
  const checked = { checks: 0, checkFailures: 0, check }
  return { source, destination: CFG, renders, writtenAt, error, ...checked, leftOut, ...changes }
}

function group(changes: Partial<GroupStatus> = {}): GroupStatus {
  const reload = { pending: false, runs: 0, failures: 0, last: null }
  const [name, state, since, reason] = [CFG, 'in-sync', NOW - 120_000, ''] as const
  return { name, clusters: ['demo'], state, since, reason, templates: [template()], reload, retryAt: null, ...changes }
}

function notesOf(templates: TemplatesStatus): ReturnType<typeof templateNotes> {
  const json = statusJson({ ...sampleStatus(), templates }).templates
  assert.ok(json)
  return templateNotes(json, NOW)
}

function notes(templates: Partial<TemplatesStatus>): string[] {
  return notesOf({ groups: [], hooks: [], keys: [], ...templates }).map((note) => note.join(' '))
}

const GROUPS: readonly (readonly [title: string, changes: Partial<GroupStatus>, text: string])[] = [
  ['is in sync since before the start', {}, 'in sync, not written since the start'],
  [
    'is in sync, written and reloaded',
    {
      templates: [template({ writtenAt: NOW - 180_000 })],
      reload: { pending: false, runs: 2, failures: 0, last: result() },
    },
    'in sync, written 3m00s ago, reloaded 2 times',
  ],
  [
    'was reloaded in the end',
    {
      reload: { pending: false, runs: 4, failures: 3, last: result() },
      templates: [template({ writtenAt: NOW - 9000 })],
    },
    'in sync, written 9.0s ago, reloaded 4 times (3 failed)',
  ],
  [
    'has a check that fails',
    {
      state: 'failed',
      reason: 'check exited with 1',
      templates: [template({ check: FAILURE, error: 'check exited with 1' })],
      retryAt: NOW + 8000,
    },
    'FAILED for 2m00s: check exited with 1: Fatal errors found.; next attempt in 8.0s',
  ],
  [
    'has a reason that says all',
    {
      state: 'failed',
      reason: 'check exited with 1: Fatal errors found.',
      templates: [template({ check: FAILURE })],
    },
    'FAILED for 2m00s: check exited with 1: Fatal errors found.',
  ],
  [
    'has a reload that failed',
    {
      state: 'failed',
      reason: 'reload killed: it did not end within 30s',
      reload: { pending: true, runs: 3, failures: 3, last: { ...FAILURE, output: '' } },
      retryAt: NOW + 60_000,
    },
    'FAILED for 2m00s: reload killed: it did not end within 30s; RELOAD PENDING; next attempt in 1m00s',
  ],
  [
    'keeps its file',
    { state: 'kept', reason: 'there is no primary', templates: [template({ writtenAt: NOW - 600_000 })] },
    'kept for 2m00s: there is no primary; written 10m00s ago',
  ],
  [
    'waits with a reload of the run before',
    {
      state: 'waiting',
      reason: 'the DCS has not been read yet',
      reload: { pending: true, runs: 0, failures: 0, last: null },
    },
    'waiting for 2m00s: the DCS has not been read yet; RELOAD PENDING',
  ],
  [
    'has no reload command',
    { reload: null, templates: [template({ writtenAt: NOW - 1000 })] },
    'in sync, written 1.0s ago',
  ],
]

for (const [title, changes, text] of GROUPS)
  test(`shows a template that ${title}`, () => {
    assert.deepEqual(notes({ groups: [group(changes)] }), [`Template ${CFG}: ${text}`])
  })

test('shows the templates of a group below it, with what is wrong with each', () => {
  const wrong = 'users.hbs:3:7: there is no helper "usre"'
  const templates = [
    template({ destination: '/etc/pgbouncer/pgbouncer.ini', writtenAt: NOW - 2000 }),
    template({ destination: '/etc/pgbouncer/users.txt', error: wrong }),
  ]
  assert.deepEqual(notes({ groups: [group({ name: 'pooler', state: 'failed', reason: wrong, templates })] }), [
    `Template pooler: FAILED for 2m00s: ${wrong}`,
    ' /etc/pgbouncer/pgbouncer.ini: written 2.0s ago',
    ` /etc/pgbouncer/users.txt: not written since the start: ${wrong}`,
  ])
})

test('shows keys with the age of what is known of them, and why they are lost', () => {
  const keys = [
    { cluster: 'demo', root: '/app', state: 'up', count: 1, readAt: NOW - 400, error: null },
    { cluster: 'demo', root: '/db', state: 'lost', count: 12, readAt: NOW - 120_000, error: 'refused' },
    { cluster: 'demo', root: '/new', state: 'never', count: 0, readAt: null, error: null },
  ] as const
  assert.deepEqual(notes({ keys }), [
    'Keys /db: LOST, last read 2m00s ago - refused',
    'Keys /new: NOT READ YET',
    'Keys /app: 1 key, last read 0.4s ago',
  ])
})

test('shows a hook only while it runs, or when its last run failed', () => {
  const hook = {
    name: 'pause',
    cluster: 'demo',
    state: 'switching',
    member: 'pg1',
    running: false,
    ...{ runs: 0, failures: 0, last: null },
  } as const
  assert.deepEqual(notes({ hooks: [hook, { ...hook, last: result() }] }), [])
  assert.deepEqual(notes({ hooks: [{ ...hook, running: true }] }), ['Hook pause: running (switching, pg1)'])
  assert.deepEqual(notes({ hooks: [{ ...hook, last: FAILURE }] }), [
    'Hook pause: FAILED 0.5s ago: exited with 1: Fatal errors found. (switching, pg1)',
  ])
  assert.deepEqual(notes({ hooks: [{ ...hook, running: true, last: FAILURE }] }), [
    'Hook pause: FAILED 0.5s ago: exited with 1: Fatal errors found.',
    'Hook pause: running (switching, pg1)',
  ])
})

test('tells once of a member that several templates leave out', () => {
  const bad = { member: 'pg\\x0a9', reason: 'its name holds a line end' }
  const templates = [template({ leftOut: [bad] }), template({ destination: '/b', leftOut: [bad] })]
  const lag = { member: 'pg2', reason: 'its tag dc holds a quote' }
  const other = group({ name: '/c', templates: [template({ destination: '/c', leftOut: [bad, lag] })] })
  assert.deepEqual(
    notes({ groups: [group({ templates }), other] }).filter((line) => line.startsWith('Left out')),
    [
      'Left out pg\\x0a9: its name holds a line end (from 3 templates)',
      'Left out pg2: its tag dc holds a quote (from /c)',
    ],
  )
})

test('shows first what needs a person', () => {
  const hook = {
    name: 'pause',
    cluster: 'demo',
    state: 'open',
    member: 'pg1',
    running: true,
    runs: 1,
    failures: 1,
    last: FAILURE,
  }
  const lost = { cluster: 'demo', root: '/db', state: 'lost', count: 1, readAt: NOW, error: null } as const
  const leftOut = [{ member: 'pg9', reason: 'why' }]
  const groups = (['in-sync', 'kept', 'waiting', 'pending', 'failed'] as const).map((state) =>
    group({ name: `/${state}`, state, reason: 'why', templates: [template({ destination: `/${state}` })] }),
  )
  const all: TemplatesStatus = {
    groups: [...groups, group({ name: '/z', templates: [template({ destination: '/z', leftOut })] })],
    hooks: [hook],
    keys: [{ ...lost, state: 'up' }, lost],
  }
  assert.deepEqual(
    notesOf(all).map(([label, text]) => `${label} ${text.split(': ')[0] ?? ''}`),
    [
      'Template /failed',
      'Keys /db',
      'Hook pause',
      'Template /pending',
      'Template /waiting',
      'Template /kept',
      'Left out pg9',
      'Hook pause',
      'Template /in-sync',
      'Template /z',
      'Keys /db',
    ],
  )
})

test('is between the cluster and the router, leaves the first line alone, and changes no exit code', () => {
  const failed = group({ state: 'failed', reason: 'check exited with 1', templates: [template({ check: FAILURE })] })
  const status = { ...sampleStatus(), templates: { groups: [failed], hooks: [], keys: [] } }
  const lines = rendered(status).split('\n')
  assert.match(lines[0] ?? '', /^primary: pg1 OPEN for 2m10s - it holds the leader lock and \/primary confirms it$/)
  assert.deepEqual(lines.slice(-4), [
    ' Not used    pg3: its REST API does not answer',
    ` Template    ${CFG}: FAILED for 2m00s: check exited with 1: Fatal errors found.`,
    ' Router      patroni-router 0.1.0 on lb1, pid 4711, up 1d03h',
    '',
  ])
  assert.equal(hasPrimary(statusJson(status)), true)
})

test('shows at most twenty lines, none wider than the terminal, and nothing that acts on it', () => {
  const evil = '\x1b]0;owned\x07\u202e\nroot'.repeat(9)
  const groups = Array.from({ length: 500 }, () =>
    group({
      name: evil,
      state: 'failed',
      reason: evil,
      templates: [template({ leftOut: [{ member: evil, reason: evil }] })],
    }),
  )
  const text = rendered({ ...sampleStatus(), templates: { groups, hooks: [], keys: [] } }, 80)
  assert.doesNotMatch(text, /[^\n\P{C}]|\u202e/u)
  assert.ok(Math.max(...text.split('\n').map(widthOf)) <= 80, text)
  assert.equal(text.match(/^ Template /gm)?.length, 20)
  assert.match(text, /^ +\.\.\. and 481 more: see status --json$/m)
})

test('shows the cluster of a router without a proxy: members and roles, and no sessions', () => {
  const members = [
    sampleMember('pg1', {
      isLeader: true,
      replica: { fit: false, checked: true, down: false, reason: 'the leader', cause: 'leads' },
    }),
    sampleMember('pg2'),
    sampleMember('pg3', { tags: { noloadbalance: true } }),
  ]
  const text = rendered(sampleStatus({ view: sampleView({ members }), proxy: null }))
  assert.doesNotMatch(text, /Sessions|Held|Listener|Connections/)
  assert.match(text, /^\| Member \|.*\| Used for \|$/m)
  assert.match(text, /^\| pg1 .*\| primary +\|$/m)
  assert.match(text, /^\| pg2 .*\| replica +\|$/m)
  assert.match(text, /^\| pg3 .*\| nothing +\|$/m)
  assert.match(text, /^ Not used +pg3: tagged noloadbalance$/m)
  assert.match(text, /^ Proxy +off$/m)
  // With a proxy each listener says it.
  const listeners = [sampleListener('any', 'any', { pg1: '', pg2: '', pg3: '' })]
  assert.doesNotMatch(
    rendered(sampleStatus({ view: sampleView({ members }), proxy: sampleProxy({ listeners }) })),
    /No replica +pg3/,
  )
})
