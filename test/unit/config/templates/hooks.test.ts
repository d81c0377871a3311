import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type HookConfig, PRIMARY_STATES, type PrimaryState } from '../../../../src/config/config.ts'
import type { ConfigResult } from '../../../../src/config/load.ts'
import { formatProblems } from '../../../../src/config/file/problem.ts'
import type { PrimaryPhase } from '../../../../src/watcher/primary/machine.ts'
import { loadConfig } from '../../../support/router/load-config.ts'

const BASE = 'scope: demo\netcd3: {hosts: a}\nstate_dir: /var/lib/router\n'

function load(text: string): ConfigResult {
  return loadConfig({ file: '/etc/router/config.yml', text: `${BASE}${text}`, env: {} })
}

function hooks(text: string): readonly HookConfig[] {
  const result = load(text)
  assert.ok(result.ok, result.ok ? '' : formatProblems(result.problems))
  return result.config.hooks
}

function problems(text: string): string[] {
  const result = load(text)
  assert.ok(!result.ok, 'the configuration was accepted')
  return formatProblems(result.problems).replaceAll('/etc/router/config.yml:', '').split('\n')
}

test('the states of a hook are exactly those of the primary', () => {
  // Does not compile when one of them has a state that the other has not.
  const both: [PrimaryPhase['state']] extends [PrimaryState]
    ? [PrimaryState] extends [PrimaryPhase['state']]
      ? true
      : false
    : false = true
  assert.ok(both)
})

const ENVIRONMENT =
  'a hook has no placeholders: its environment says what happened, like PATRONI_ROUTER_STATE and ' +
  'PATRONI_ROUTER_MEMBER'
const STATES = 'one of open, switching, promoting, unconfirmed, unreachable, unverified, unlocked, none, any'

test('everything of a hook besides on and command has a default', () => {
  const run = { command: 'a', timeoutMs: 30_000, env: {}, workingDir: '/etc/router' }
  assert.deepEqual(hooks('hooks:\n  - on: open\n    command: a\n'), [
    { name: 'hooks[0]', cluster: 'demo', on: ['open'], after: null, run },
  ])
})

test('every key of a hook is used', () => {
  const text = `
hooks:
  - name: resume
    on: [unlocked, open]
    command: [psql, -c, RESUME]
    timeout: 5s
    env: {PGPORT: '6432'}
    working_dir: /run
    after: pooler
templates:
  - {source: a, destination: /a, reload_group: pooler}
`
  const run = { command: ['psql', '-c', 'RESUME'], timeoutMs: 5000, env: { PGPORT: '6432' }, workingDir: '/run' }
  assert.deepEqual(hooks(text), [{ name: 'resume', cluster: 'demo', on: ['open', 'unlocked'], after: 'pooler', run }])
})

test('hooks keep the order of the file, and are named by their place in it', () => {
  const found = hooks('hooks: [{on: none, command: a}, {on: none, command: b, name: x}, {on: none, command: c}]\n')
  assert.deepEqual(
    found.map(({ name, run }) => [name, run.command]),
    [
      ['hooks[0]', 'a'],
      ['x', 'b'],
      ['hooks[2]', 'c'],
    ],
  )
})

test('any is every state', () => {
  for (const on of ['any', '[any]', '[open, any]'])
    assert.deepEqual(hooks(`hooks: [{on: ${on}, command: a}]\n`)[0]?.on, PRIMARY_STATES)
})

test('a hook can wait for a template of its own, or for all that changes with one', () => {
  const templates = `templates:
  - {source: a, destination: /etc/a}
  - {source: b, destination: /etc/b, reload_group: lb}
`
  const after = (name: string) => hooks(`${templates}hooks: [{on: open, command: x, after: ${name}}]\n`)[0]?.after
  assert.deepEqual(['/etc/a', '/etc//x/../a', '/etc/b', 'lb'].map(after), ['/etc/a', '/etc/a', 'lb', 'lb'])
})

const INVALID: readonly (readonly [title: string, hook: string, problem: string])[] = [
  ['no state', '{command: a}', `4:9: hooks.0.on: is required: ${STATES}`],
  ['an empty list of states', '{command: a, on: []}', '4:22: hooks.0.on: is empty: name at least one state'],
  [
    'an unknown state',
    '{command: a, on: [none, opn]}',
    `4:33: hooks.0.on.1: "opn" is not ${STATES}; did you mean "open"?`,
  ],
  [
    'a role as a state',
    '{command: a, on: primary}',
    `4:22: hooks.0.on: "primary" is not ${STATES}; did you mean "open"?`,
  ],
  [
    "Patroni's callback",
    '{command: a, on: on_role_change}',
    `4:22: hooks.0.on: "on_role_change" is not ${STATES}; did you mean "any"?`,
  ],
  ['a state that is true', '{command: a, on: yes}', `4:22: hooks.0.on: true is not ${STATES}`],
  [
    'no command',
    '{on: open}',
    '4:9: hooks.0.command: is required: text, which goes to the shell, or a list of text, the program and its arguments',
  ],
  ['an empty command', `{on: open, command: ''}`, '4:20: hooks.0.command: is empty: a command is needed'],
  ['an empty program', `{on: open, command: ['', a]}`, '4:30: hooks.0.command.0: is empty: a command is needed'],
  ['a placeholder', `{on: open, command: 'a {{member}}'}`, `4:20: hooks.0.command: ${ENVIRONMENT}`],
  ['a placeholder of templates', `{on: open, command: [a, '{{staged}}']}`, `4:33: hooks.0.command.1: ${ENVIRONMENT}`],
  ['an unknown key', '{on: open, command: a, nmae: x}', '4:32: hooks.0.nmae: unknown key; did you mean "name"?'],
  [
    'another word for command',
    '{on: open, command: a, run: x}',
    '4:32: hooks.0.run: unknown key; did you mean "command"?',
  ],
  ['another word for on', '{when: open, on: open, command: a}', '4:10: hooks.0.when: unknown key; did you mean "on"?'],
  [
    'a variable that YAML takes for a boolean',
    '{ON: open, command: a, env: {NO: x}}',
    '4:38: hooks.0.env.NO: is not read as text: put it in quotes',
  ],
  ['a name that is false', '{On: open, command: a, name: no}', '4:32: hooks.0.name: must be text: quote it'],
  [
    'a strange name',
    `{on: open, command: a, name: 'a b'}`,
    '4:32: hooks.0.name: the name of a hook is made of letters, digits, _, . and -, beginning with a letter or digit',
  ],
  [
    'a group that is not there',
    '{on: open, command: a, after: lb}',
    '4:32: hooks.0.after: is neither a reload group nor the destination of a template',
  ],
  ['text', 'a', '4:9: hooks.0: must be a mapping, not text'],
]

for (const [title, hook, problem] of INVALID)
  test(`a hook with ${title} is refused with its place and its remedy`, () => {
    assert.deepEqual(problems(`hooks: [${hook}]\n`), [problem])
  })

test('a misspelt group gets the right one suggested', () => {
  const text =
    'templates: [{source: a, destination: /a, reload_group: pooler}]\nhooks: [{on: open, command: a, after: poler}]\n'
  assert.deepEqual(problems(text), [
    '5:32: hooks.0.after: is neither a reload group nor the destination of a template; did you mean "pooler"?',
  ])
})

test('two hooks of one name are refused', () => {
  const text = 'hooks: [{on: open, command: a, name: x}, {on: none, command: b, name: x}]\n'
  assert.deepEqual(problems(text), ['4:65: hooks.1.name: is the name of hooks.0 already'])
})

test('no problem shows what a command or a variable of a hook holds', () => {
  const mark = 'h0rse_battery'
  for (const keys of [
    `command: '{{${mark}}}'`,
    `command: {a: ${mark}}`,
    `command: a, env: {'${mark}:x': a, B: [${mark}]}`,
  ]) {
    const shown = problems(`hooks: [{on: open, ${keys}}]\n`).join('\n')
    assert.ok(!shown.includes(mark), shown)
  }
})
