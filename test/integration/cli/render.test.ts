import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import { renderDiff } from '../../../src/cli/diff.ts'
import { isSettled } from '../../../src/cli/first-view.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { KeyStore } from '../../../src/templates/key-store.ts'
import { keysRead } from '../../../src/templates/key-stores.ts'
import type { KeysObservation, KeyValueSource } from '../../../src/watcher/dcs/key-values.ts'
import { TempDir } from '../../support/files/temp.ts'
import { sampleMember, sampleStatus, sampleView } from '../../unit/admin/sample.ts'
import { FakeIo } from '../../support/router/fake-io.ts'
import type { PrimaryState } from '../../../src/config/config.ts'

let dir: TempDir
before(() => (dir = TempDir.create('render')))
after(() => dir.remove())

test('shows a change with its surroundings, under the name of the destination', () => {
  const lines = Array.from({ length: 20 }, (_, at) => `line ${at}`)
  const text = (line: string): string => `${lines.with(10, line).join('\n')}\n`
  assert.equal(
    renderDiff('/etc/x.cfg', text('old'), text('new'), false),
    `--- /etc/x.cfg
+++ /etc/x.cfg
@@ -8,7 +8,7 @@
 line 7
 line 8
 line 9
-old
+new
 line 11
 line 12
 line 13
`,
  )
})

test('shows nothing where there is no difference, and all of a file that is not there', () => {
  assert.equal(renderDiff('/x', 'a\n', 'a\n', false), '')
  assert.equal(renderDiff('/x', null, 'a\n\n', false), '--- /dev/null\n+++ /x\n@@ -0,0 +1,2 @@\n+a\n+\n')
  assert.equal(renderDiff('/x', null, '', false), '--- /dev/null\n+++ /x\n')
})

test('shows a missing line end, and an empty line at the end', () => {
  assert.equal(renderDiff('/x', 'a\n\n', 'b\n\n', false), '--- /x\n+++ /x\n@@ -1,2 +1,2 @@\n-a\n+b\n \n')
  assert.match(renderDiff('/x', 'a\n', 'a', false), /-a\n\+a\n\\ No newline at end of file\n$/)
})

test('colours headers, places, and what goes and comes', () => {
  assert.equal(
    renderDiff('/x', '-- a\nb\n', '++ a\nb\n', true),
    [
      '\x1b[1m--- /x\x1b[0m',
      '\x1b[1m+++ /x\x1b[0m',
      '\x1b[36m@@ -1,2 +1,2 @@\x1b[0m',
      '\x1b[31m--- a\x1b[0m',
      '\x1b[32m+++ a\x1b[0m',
      ' b\n',
    ].join('\n'),
  )
})

test('keeps tabs, and lets nothing else in a file act on the terminal', () => {
  const diff = renderDiff('/x', 'a\tb\r\n', 'a\tb\x1b[2J\u202e\0\n', false)
  assert.equal(diff, '--- /x\n+++ /x\n@@ -1,1 +1,1 @@\n-a\tb\\x0d\n+a\tb\\x1b[2J\\u202e\\x00\n')
})

test('gives up a comparison that takes too long', () => {
  const random = (seed: number): string =>
    Array.from({ length: 30_000 }, (_, at) => String((at * seed) % 1_000_003)).join('\n')
  assert.match(renderDiff('/x', random(7919), random(104_729), false), /^\/x: differs in more lines than/)
})

const READY: readonly (readonly [state: PrimaryState, soon: boolean, late: boolean])[] = [
  ['open', true, true],
  ['unlocked', true, true],
  // Until everybody has had the time to answer, a member may still turn out to be the primary.
  ['none', false, true],
  ['unverified', false, true],
  ['switching', false, false],
  ['unreachable', false, false],
  ['promoting', false, false],
]

for (const [state, soon, late] of READY)
  test(`a cluster whose primary is ${state} is known ${soon ? 'at once' : late ? 'once members had time' : 'only when time is up'}`, () => {
    const view = sampleView({ leader: null, primary: { ...sampleView().primary, state } })
    assert.deepEqual([isSettled(view, 0, 1000), isSettled(view, 1001, 1000)], [soon, late])
  })

test('a cluster is not known while a replica has not answered', () => {
  const replica = { fit: false, checked: false, down: false, reason: 'not checked yet' }
  const members = [sampleMember('pg1', { isLeader: true }), sampleMember('pg2', { replica })]
  assert.equal(isSettled(sampleView({ members }), 9999, 1000), false)
})

test('waits for the keys of every template, but not for ever', async () => {
  const answers = new Map(['/a', '/b'].map((root) => [root, Promise.withResolvers<undefined>()]))
  const source: KeyValueSource = {
    async *observe(root, signal): AsyncGenerator<KeysObservation> {
      await answers.get(root)?.promise
      yield { type: 'keys', keys: new Map([[`${root}/x`, '1']]) }
      if (!signal.aborted) await once(signal, 'abort')
    },
  }
  const keys = new KeyStore({ source, roots: [...answers.keys()], log: null })
  keys.start()
  const readers = [
    { prefix: '', keys: ['/a'] },
    { prefix: '', keys: ['/b'] },
    { prefix: '', keys: [] },
  ]
  const { signal } = new AbortController()
  let isRead = false
  const reading = keysRead(keys, readers, signal).then(() => (isRead = true))
  answers.get('/a')?.resolve(undefined)
  await keysRead(keys, readers.slice(0, 1), signal)
  await keysRead(keys, readers, signal, 10)
  assert.equal(isRead, false)
  await assert.rejects(keysRead(keys, readers, AbortSignal.timeout(1)), { name: 'TimeoutError' })
  answers.get('/b')?.resolve(undefined)
  await reading
  await keys.close()
})

test('ends with 2 for --diff together with --output', async () => {
  const io = new FakeIo()
  assert.equal(await runProgram(['render', '--diff', '--output', '/tmp/x'], io), 2)
  assert.match(io.stderr, /'--diff' cannot be used with option '--output <DIR>'/)
})

test('ends with 2 without templates, and for a configuration that is wrong', async () => {
  const io = new FakeIo({ PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: '127.0.0.1:1' })
  assert.equal(await runProgram(['render'], io), 2)
  assert.match(io.stderr, /there are no templates in the configuration\n$/)
  const config = join(dir.path, 'wrong.yml')
  writeFileSync(config, 'scope: demo\netcd3: {host: a:1}\ntemplates: [{sorce: x}]\n')
  assert.equal(await runProgram(['render', '-c', config], io), 2)
  assert.match(io.stderr, /wrong\.yml:3:.*sorce/)
})

test('shows help with the exit codes', async () => {
  const io = new FakeIo()
  assert.equal(await runProgram(['render', '--help'], io), 0)
  assert.match(io.stdout, /--diff[^]*--no-commands[^]*--output <DIR>[^]*Exit codes:[^]*Examples:/)
})

const NOT_CHECKED = { checks: 0, checkFailures: 0, check: null }

test('writes nothing beside a router that renders the same files', async () => {
  const path = join(dir.path, 'beside')
  mkdirSync(path)
  const socket = join(path, 'run', 'admin.sock')
  const destination = join(path, 'out.cfg')
  const template = { source: 'x', destination, renders: 1, writtenAt: null, error: null, ...NOT_CHECKED, leftOut: [] }
  const group = {
    name: 'x',
    clusters: ['demo'],
    state: 'in-sync',
    since: 0,
    reason: '',
    templates: [template],
  } as const
  const templates = { groups: [{ ...group, reload: null, retryAt: null }], hooks: [], keys: [] }
  const commands = showCommands(() => ({ ...sampleStatus(), templates }))
  const admin = new AdminSocket({ path: socket, commands, log: pino({ level: 'silent' }) })
  await admin.start()
  try {
    const config = join(path, 'config.yml')
    writeFileSync(join(path, 'x.hbs'), 'x\n')
    writeFileSync(
      config,
      `scope: demo
file: {path: cluster.yml}
admin: {socket: ${socket}}
templates: [{source: x.hbs, destination: ${destination}}]
`,
    )
    const before = readdirSync(path)
    for (const options of [[], ['--no-commands']]) {
      const io = new FakeIo()
      assert.equal(await runProgram(['render', '-c', config, ...options], io), 1)
      assert.match(io.stderr, /the router with pid 4711 renders these: use --diff or --output, or send it SIGHUP\n$/)
      assert.equal(io.stdout, '')
    }
    assert.deepEqual(readdirSync(path), before)
  } finally {
    await admin.close()
  }
})
