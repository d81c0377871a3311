/** `reload` and `check --diff` beside a real process, whose file is edited. */
import assert from 'node:assert/strict'
import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { askStatus } from '../../../src/admin/client.ts'
import type { StatusJson } from '../../../src/admin/status/schema.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { Child } from '../../support/processes/child.ts'
import { TempDir } from '../../support/files/temp.ts'
import { FakeIo } from '../../support/router/fake-io.ts'
import { until } from '../../support/until.ts'
import { FAULTS, soundFile, withFault } from '../../unit/config/faulty-files.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')

interface Line {
  readonly event: string
  readonly level: string
  readonly msg: string
  readonly problems?: readonly string[]
}

let dir: TempDir
let file: string
let socket: string
let sound: string
let router: Child
let lines: Line[]

before(async () => {
  dir = TempDir.create('reload')
  file = join(dir.path, 'config.yml')
  socket = join(dir.path, 'admin.sock')
  sound = soundFile(dir.path)
  lines = []
  writeFileSync(join(dir.path, 'a.hbs'), '{{scope}}\n')
  mkdirSync(join(dir.path, 'state'))
  edit(sound)
  const onLine = (line: string): void => void lines.push(JSON.parse(line) as Line)
  const logFile = join(dir.path, 'router.log')
  router = await Child.start(process.execPath, [MAIN, 'run', '-c', file], { cwd: dir.path, env: {}, logFile, onLine })
  await logged('started')
})
after(async () => {
  await router.stop()
  await dir.remove()
})
beforeEach(() => {
  edit(sound)
  lines.length = 0
})

/** Replaces the file, as editors do. */
function edit(text: string): void {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

async function logged(event: string, count = 1): Promise<Line> {
  const found = await until(`${event} is logged`, () => lines.filter((line) => line.event === event)[count - 1])
  return found
}

async function run(...args: readonly string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const io = new FakeIo()
  const code = await runProgram(args, io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

async function status(path = socket): Promise<StatusJson> {
  return (await askStatus(path, { timeoutMs: 5000, signal: new AbortController().signal })).status
}

/** What must not change: all but times, and what is known of the configuration. */
async function parts(): Promise<unknown> {
  const { clusters, templates, track, maxConnections } = await status()
  const listeners = clusters.map(({ name, proxy, localMember }) => ({ name, localMember, listeners: proxy?.listeners }))
  const groups = templates?.groups.map(({ name, templates: each }) => [name, each.map(({ renders }) => renders)])
  const hooks = templates?.hooks.map(({ name }) => name)
  return { listeners, groups, hooks, track: track.map(({ path }) => path), maxConnections }
}

describe('a running router', () => {
  test('changes nothing at SIGHUP with any of forty faults in its file, and logs each with its place', async () => {
    const before = await parts()
    for (const [at, fault] of FAULTS.entries()) {
      edit(withFault(sound, fault))
      router.signal('SIGHUP')
      const { level, problems } = await logged('config-refused', at + 1)
      assert.equal(level, 'error', fault.title)
      assert.ok(problems?.[0]?.startsWith(`${file}:${fault.problem}`), `${fault.title}: ${problems?.join('\n') ?? ''}`)
    }
    assert.deepEqual(await parts(), before)
    const { configuration } = await status()
    assert.equal(configuration?.refusals, 40)
    assert.match(configuration.problems.join(), /42:11: logging\.level: /)
    assert.notEqual(configuration.differsSince, null)
    const text = await run('status', '--socket', socket)
    assert.match(
      text.stdout,
      /^ Config +\S+config\.yml DIFFERS from the running configuration, for .*: \S+:42:11: logging\.level: /m,
    )
    edit(sound)
    assert.equal((await run('reload', '-c', file)).code, 0)
    assert.equal((await status()).configuration?.differsSince, null)
    assert.doesNotMatch((await run('status', '--socket', socket)).stdout, /Config/)
  })

  test('takes a change by reload, which lists it; and reports that there is none', async () => {
    edit(sound.replace('interval: 2s', 'interval: 1500ms').replace('max_connections: 100', 'max_connections: 50'))
    const { code, stdout, stderr } = await run('reload', '-c', file)
    assert.deepEqual([code, stderr], [0, ''])
    const [first, ...rest] = stdout.split('\n')
    assert.match(first ?? '', new RegExp(`^reloaded ${file} in [\\d.]+ m?s, changed:$`))
    assert.deepEqual(rest, [
      '  proxy.check.interval: 2s -> 1500ms',
      '  proxy.max_connections: 100 -> 50',
      'ends no session',
      '',
    ])
    assert.equal((await status()).maxConnections, 50)
    assert.deepEqual(await run('reload', '-c', file), {
      ...{ code: 0, stdout: `unchanged: ${file} is what the router runs with\n`, stderr: '' },
    })
    edit(sound)
    const json = await run('reload', '--socket', socket, '--json')
    const { outcome, changes } = JSON.parse(json.stdout) as { outcome: string; changes: unknown }
    assert.equal(outcome, 'applied')
    assert.deepEqual(changes, ['proxy.check.interval: 1500ms -> 2s', 'proxy.max_connections: 50 -> 100'])
  })

  test('refuses a wrong file: reload lists all problems as check does, and ends with 2', async () => {
    edit(sound.replace('interval: 2s', 'interval: 2').replace('level: info', 'level: loud'))
    const [reloaded, checked] = [await run('reload', '-c', file), await run('check', '-c', file)]
    assert.deepEqual([reloaded.code, checked.code, reloaded.stdout], [2, 2, ''])
    assert.equal(
      reloaded.stderr,
      `${checked.stderr}patroni-router: not reloaded: the previous configuration stays in force\n`,
    )
    edit(`${sound}proxy: {`)
    const broken = await run('reload', '--socket', socket)
    assert.equal(broken.code, 2)
    assert.match(broken.stderr, /config\.yml:43:/)
  })

  test('refuses what it cannot apply: reload names the part and the reason, and ends with 1', async () => {
    edit(sound.replace("rw: {bind: '127.0.0.1:0'", "rw: {bind: '192.0.2.1:5000'"))
    const { code, stdout, stderr } = await run('reload', '-c', file)
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^cluster demo: .*192\.0\.2\.1:5000[^\n]*\npatroni-router: not reloaded/)
    assert.equal((await logged('config-refused')).level, 'error')
    edit(sound)
    assert.equal((await run('reload', '-c', file)).code, 0)
    // The next test is to have no line of it.
    await logged('config-unchanged')
  })

  test('answers check --diff with what a reload would change and end, and changes nothing', async () => {
    const path = join(dir.path, 'all.sock')
    const client = connect(path)
    try {
      await until('the client is there', async () => (await status()).clusters[0]?.proxy?.totals.accepted === 1)
      edit(sound.replace(/^ {4}all: .*\n/m, '').replace('level: info', 'level: debug'))
      const { code, stdout, stderr } = await run('check', '--diff', '-c', file)
      assert.deepEqual([code, stderr], [0, ''])
      const end =
        'would change:\n  proxy.listeners.all: removed\n  logging.level: info -> debug\nwould end no session\n'
      assert.ok(stdout.startsWith('configuration is valid\n'), stdout)
      assert.ok(stdout.endsWith(end), stdout)
      edit(sound)
      assert.match(
        (await run('check', '--diff', '-c', file)).stdout,
        /\nwould change: nothing, \S+ is what the router runs with\n$/,
      )
      assert.deepEqual(lines, [])
    } finally {
      client.destroy()
    }
  })

  test('answers check --diff of another file with the name of its own, which is an error', async () => {
    const other = join(dir.path, 'other.yml')
    writeFileSync(other, sound)
    const { code, stderr } = await run('check', '--diff', '-c', other)
    assert.equal(code, 2)
    assert.match(stderr, new RegExp(`the running router reads ${file}, and this is ${other}: check that one\n$`))
  })

  test('moves its admin socket by reload, and answers on the old connection', async () => {
    const moved = join(dir.path, 'moved.sock')
    edit(sound.replace(`${dir.path}/admin.sock`, moved))
    const unnamed = await run('reload', '-c', file)
    assert.equal(unnamed.code, 3)
    assert.match(unnamed.stderr, /no router answers on \S+moved\.sock: .*name the socket before with --socket PATH\n$/)
    const { code, stdout } = await run('reload', '--socket', socket)
    assert.equal(code, 0)
    assert.match(stdout, /admin\.socket: \S+admin\.sock -> \S+moved\.sock\n/)
    await status(moved)
    edit(sound)
    assert.equal((await run('reload', '--socket', moved)).code, 0)
    await status()
  })
})

test('without a router reload and check --diff end with 3 and say what to do', async () => {
  edit(sound.replace('admin.sock', 'nowhere.sock').replace(/^ {4}all: .*\n/m, ''))
  for (const args of [
    ['reload', '-c', file],
    ['check', '--diff', '-c', file],
    ['reload', '--socket', `${socket}.no`],
  ]) {
    const { code, stderr } = await run(...args)
    assert.equal(code, 3, stderr)
    assert.match(stderr, /patroni-router: no router answers on \S+: there is no such socket/)
  }
})

test('a file that does not parse and does not tell the socket is reported as by check', async () => {
  edit('admin: [\n')
  const { code, stderr } = await run('reload', '-c', file)
  assert.equal(code, 2)
  assert.match(stderr, /config\.yml:\d+:\d+: not valid YAML[^]*--socket PATH/)
})
