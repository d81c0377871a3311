/** Hooks with real commands. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { pino } from 'pino'
import type { HookConfig, PrimaryState } from '../../../src/config/config.ts'
import { commandRunner } from '../../../src/templates/commands/run-command.ts'
import { Hooks } from '../../../src/templates/hooks/hooks.ts'
import type { PrimaryView } from '../../../src/watcher/view.ts'
import { signal } from '../../support/processes/signals.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { view } from '../../unit/watcher/sample.ts'

type Line = { readonly level: string; readonly event?: string; readonly msg: string; readonly output?: string }
type Settled = (group: string, signal: AbortSignal) => Promise<void>

let dir: TempDir
let hooks: Hooks
let lines: Line[]
let settled: Settled

beforeEach(() => {
  dir = TempDir.create('hooks')
  lines = []
  settled = () => Promise.resolve()
})

afterEach(async () => {
  await hooks.close()
  await dir.remove()
})

type HookOptions = Partial<Omit<HookConfig, 'run'>> & { readonly run: string; readonly timeoutMs?: number }

/** Each is named after its place. */
function started(...options: readonly HookOptions[]): void {
  const all = options.map(({ run, timeoutMs = 20_000, ...rest }, index): HookConfig => {
    const command = { command: run, timeoutMs, env: {}, workingDir: dir.path }
    return { name: `hooks[${index}]`, cluster: 'demo', on: ['open'], after: null, ...rest, run: command }
  })
  const write = (line: string): void => void lines.push(JSON.parse(line) as Line)
  hooks = new Hooks({
    hooks: all,
    run: commandRunner({ PATH: process.env['PATH'] ?? '' }, (pid, name) => signal(-pid, name)),
    since: null,
    settled: (group, signal) => settled(group, signal),
    log: pino({ level: 'info', formatters: { level: (level) => ({ level }) } }, { write }),
  })
}

function apply(state: PrimaryState, member: string | null = 'pg0', changes: Partial<PrimaryView> = {}): void {
  hooks.apply(view({ primary: { ...view().primary, state, member, ...changes } }))
}

function file(name: string): string {
  const path = join(dir.path, name)
  return existsSync(path) ? readFileSync(path, 'utf8') : ''
}

/** Lets the commands go that wait for this file. */
function letGo(name: string): void {
  writeFileSync(join(dir.path, name), '')
}

const fileIs = (name: string, text: string): Promise<unknown> =>
  until(`${name} is ${JSON.stringify(text)}`, () => file(name) === text)

test('runs the hooks of a state in order, with the state in the environment', async () => {
  const say = (name: string): string =>
    `echo ${name} $PATRONI_ROUTER_CLUSTER $PATRONI_ROUTER_OLD_STATE $PATRONI_ROUTER_STATE $PATRONI_ROUTER_MEMBER ` +
    '$PATRONI_ROUTER_HOST:$PATRONI_ROUTER_PORT >> log'
  started(
    { run: `sleep 0.2; ${say('a')}`, on: ['open', 'switching'] },
    { run: say('b'), on: ['switching'] },
    { run: say('c') },
  )
  apply('open')
  await fileIs('log', 'a demo open pg0 pg0.example.com:5432\nc demo open pg0 pg0.example.com:5432\n')
  apply('switching')
  await fileIs(
    'log',
    'a demo open pg0 pg0.example.com:5432\nc demo open pg0 pg0.example.com:5432\n' +
      'a demo open switching pg0 pg0.example.com:5432\nb demo open switching pg0 pg0.example.com:5432\n',
  )
  await until('the last one has ended', () => hooks.status()[1]?.last)
  assert.deepEqual(
    hooks.status().map(({ state, member, running, last }) => [state, member, running, last?.outcome]),
    [
      ['switching', 'pg0', false, 'exited with 0'],
      ['switching', 'pg0', false, 'exited with 0'],
      ['open', 'pg0', false, 'exited with 0'],
    ],
  )
})

test('runs nothing before anything is known of the cluster', async () => {
  started({ run: 'echo $PATRONI_ROUTER_STATE >> log', on: ['none', 'open'] })
  const primary = { ...view().primary, state: 'none', member: null } as const
  hooks.apply(view({ primary, dcs: { ...view().dcs, state: 'never' } }))
  const idle = { state: null, member: null, running: false, runs: 0, failures: 0, last: null }
  assert.deepEqual(hooks.status()[0], { name: 'hooks[0]', cluster: 'demo', ...idle })
  apply('open')
  await fileIs('log', 'open\n')
})

test('lets a command end, and leaves out the states that have passed meanwhile', async () => {
  started({
    run: 'echo begin $PATRONI_ROUTER_STATE >> log; until [ -e go ]; do sleep 0.01; done; echo end >> log',
    on: ['open', 'switching', 'none', 'unlocked'],
  })
  apply('open')
  await fileIs('log', 'begin open\n')
  assert.equal(hooks.status()[0]?.running, true)
  for (const state of ['switching', 'none', 'unlocked'] as const) apply(state)
  letGo('go')
  await fileIs('log', 'begin open\nend\nbegin unlocked\nend\n')
})

test('waits for a reload group, and gives that up for a newer state', async () => {
  const groups: string[] = []
  let release = (): void => undefined
  settled = async (group, signal) => {
    groups.push(group)
    await new Promise<void>((resolve, reject) => {
      release = resolve
      signal.addEventListener('abort', () => reject(new Error('given up')), { once: true })
    })
  }
  started({ run: 'echo $PATRONI_ROUTER_MEMBER >> log', after: 'lb' }, { run: 'echo paused >> log', on: ['switching'] })
  apply('open')
  assert.deepEqual(groups, ['lb'])
  apply('switching')
  await fileIs('log', 'paused\n')
  apply('open', 'pg1')
  await until('it waits again', () => groups.length === 2)
  assert.equal(hooks.status()[0]?.running, false)
  release()
  await fileIs('log', 'paused\npg1\n')
  assert.deepEqual(
    lines.filter(({ level }) => level !== 'info'),
    [],
  )
})

test('tells a hook that has waited for its reload group where the member is by then', async () => {
  const group = Promise.withResolvers<undefined>()
  settled = () => group.promise
  started({ run: 'echo $PATRONI_ROUTER_HOST >> log', after: 'lb' })
  apply('open')
  hooks.apply(view({ members: view().members.map((member) => ({ ...member, host: 'moved.example.com' })) }))
  group.resolve(undefined)
  await fileIs('log', 'moved.example.com\n')
})

test('tells of each failure, shows it, and tries again while the state holds', async () => {
  started({ run: 'echo x >> log; echo no luck >&2; [ -e go ]' }, { run: 'echo next >> log' })
  apply('open')
  await fileIs('log', 'x\nnext\n')
  const [status] = hooks.status()
  assert.equal(status?.last?.ok, false)
  assert.equal(status.last.exitCode, 1)
  assert.equal(status.last.output, 'no luck')
  const failed = (): readonly Line[] => lines.filter(({ event }) => event === 'hook-failed')
  assert.deepEqual(
    failed().map(({ level, msg }) => [level, msg]),
    [['warn', 'hooks[0] for open pg0 failed: exited with 1: no luck']],
  )
  letGo('go')
  await until('it has been run again', () => hooks.status()[0]?.last?.ok)
  assert.equal(file('log'), 'x\nnext\nx\n')
  assert.equal(failed().length, 1)
  assert.deepEqual(
    hooks.status().map(({ runs, failures }) => [runs, failures]),
    [
      [2, 1],
      [1, 0],
    ],
  )
})

test('takes a reload group that is never in place for a failure', async () => {
  settled = () => Promise.reject(new Error('it has no such group'))
  started({ run: 'echo x >> log', after: 'lb' })
  apply('open')
  await until('it has failed', () => hooks.status()[0]?.last?.ok === false)
  assert.match(hooks.status()[0]?.last?.outcome ?? '', /reload group lb: it has no such group/)
  assert.equal(file('log'), '')
})

test('ends a command that hangs, and continues', async () => {
  started({ run: 'sleep 1000 & sleep 1000', timeoutMs: 200 }, { run: 'echo next >> log' })
  apply('open')
  await fileIs('log', 'next\n')
  assert.match(hooks.status()[0]?.last?.outcome ?? '', /^killed/)
  assert.deepEqual(dir.processes(), [])
})

test('ends what runs, and begins nothing more, when it closes', async () => {
  started({ run: 'echo $$ >> pid; sleep 1000' }, { run: 'echo next >> log' })
  apply('open')
  await until('it runs', () => file('pid') !== '')
  await Promise.all([hooks.close(), hooks.close()])
  assert.deepEqual(dir.processes(), [])
  apply('open', 'pg1')
  assert.equal(file('log'), '')
  assert.equal(hooks.status()[0]?.member, 'pg0')
})
