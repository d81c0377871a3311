/** Requests for a reload at the wrong moment: before the router runs, during another reload, during a reload command, while it ends. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, existsSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { stringify } from 'yaml'
import { askReload, askStatus } from '../../src/admin/client.ts'
import type { StatusJson } from '../../src/admin/status/schema.ts'
import { runProgram } from '../../src/cli/program.ts'
import { TempDir } from '../support/files/temp.ts'
import { freePort } from '../support/net/ports.ts'
import { Child } from '../support/processes/child.ts'
import { FakeIo } from '../support/router/fake-io.ts'
import type { LogLine } from '../support/router/process.ts'
import { until } from '../support/until.ts'
import { Api } from './watcher/api.ts'
import { FakeMember, SYSTEM_ID } from './watcher/fake-member.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')

/** AuthenticationOk. */
const LOGGED_IN = 'R\0\0\0\x08\0\0\0\0'

let dir: TempDir
let member: FakeMember
/** The Postgres of the member: it lets clients in, and then stays silent. */
let postgres: Api
/** A server of etcd that accepts connections and does not answer. */
let silent: Api
let port: number
let router: Child
const log: LogLine[] = []

before(async () => {
  dir = TempDir.create('reload')
  member = await FakeMember.start('pg0', 'primary')
  postgres = await Api.start(createServer((socket) => socket.once('data', () => socket.write(LOGGED_IN))))
  silent = await Api.start(createServer((socket) => socket.resume()))
  port = await freePort()
  const members = { pg0: { host: '127.0.0.1', port: postgres.port, api_url: member.url } }
  writeFileSync(path('cluster.json'), JSON.stringify({ leader: 'pg0', initialize: SYSTEM_ID, members }))
  writeFileSync(path('template'), 'first {{scope}}\n')
  execFileSync('mkfifo', ['go.1', 'go.2', 'config.yml'].map(path))
})

after(async () => {
  await dir.remove()
  await Promise.all([member, postgres, silent].map((each) => each[Symbol.asyncDispose]()))
})

const path = (name: string): string => join(dir.path, name)
const read = (name: string): string => (existsSync(path(name)) ? readFileSync(path(name), 'utf8') : '')

/** Hands a text to the reader of a pipe. @throws when there is none yet. */
function feed(name: string, text: string): boolean {
  const pipe = openSync(path(name), constants.O_WRONLY | constants.O_NONBLOCK)
  writeFileSync(pipe, text)
  closeSync(pipe)
  return true
}

interface Changes {
  /** Of the template. */
  readonly interval?: string
  readonly maxConnections?: number
  /** In the place of the file that describes the cluster. */
  readonly dcs?: object
}

function configuration({ interval = '60s', maxConnections = 100, dcs }: Changes): string {
  // It runs until the test writes to the pipe.
  const reload = `echo begin >> ${path('runs')}; read line < ${path('go')}.$(grep -c begin ${path('runs')}); echo end >> ${path('runs')}`
  return stringify({
    scope: 'demo',
    ...(dcs ?? { file: { path: path('cluster.json') } }),
    proxy: {
      listeners: { primary: { bind: `127.0.0.1:${port}`, route: 'primary' } },
      ...{ max_connections: maxConnections, drain_timeout: '1h' },
    },
    templates: [{ source: path('template'), destination: path('written'), reload, interval }],
    admin: { socket: path('admin.sock'), bind: 'off' },
  })
}

/** Replaces the file, as editors do. */
function edit(changes: Changes): void {
  writeFileSync(path('edited'), configuration(changes))
  renameSync(path('edited'), path('config.yml'))
}

async function reload(): Promise<{ readonly code: number; readonly stdout: string; readonly stderr: string }> {
  const io = new FakeIo()
  const code = await runProgram(['reload', '-c', path('config.yml')], io)
  return { code, stdout: io.stdout, stderr: io.stderr }
}

async function status(): Promise<StatusJson> {
  return (await askStatus(path('admin.sock'), { timeoutMs: 10_000, signal: AbortSignal.timeout(20_000) })).status
}

async function logged(event: string, from = 0): Promise<LogLine> {
  return until(`${event} is logged`, () => log.slice(from).find((line) => line['event'] === event))
}

/** Whether a process has a handler of SIGHUP. */
function takesHangups(pid: number): boolean {
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
  return (BigInt(`0x${caught}`) & 1n) !== 0n
}

test('a SIGHUP before the configuration has been read has no effect', async () => {
  const onLine = (line: string): void => void log.push(JSON.parse(line) as LogLine)
  const options = { cwd: dir.path, logFile: path('router.log'), onLine }
  router = await Child.start(process.execPath, [MAIN, 'run', '-c', path('config.yml')], options)
  await router.until('it takes signals', () => takesHangups(router.pid))
  for (let count = 0; count < 3; count++) router.signal('SIGHUP')
  // It has been waiting for that, at a pipe.
  await router.until('it reads its configuration', () => feed('config.yml', configuration({})))
  edit({})
  await router.until('it runs', () => log.some(({ event }) => event === 'started'))
  await logged('primary-open')
})

test('reloads while a reload command runs neither end it nor repeat it, and what has changed meanwhile is reloaded once', async () => {
  await until('the command runs', () => read('runs') === 'begin\n')
  edit({ maxConnections: 90 })
  assert.equal((await reload()).code, 0)
  const from = log.length
  writeFileSync(path('template'), 'second {{scope}}\n')
  router.signal('SIGHUP')
  await logged('config-unchanged', from)
  edit({ maxConnections: 90, interval: '50s' })
  assert.equal((await reload()).code, 0)
  assert.equal(read('runs'), 'begin\n')
  await until('the command reads', () => feed('go.1', '\n'))
  await until('the command runs for the other text', () => read('runs') === 'begin\nend\nbegin\n')
  assert.equal(read('written'), 'second demo\n')
  await until('the command reads', () => feed('go.2', '\n'))
  await until('it is in sync', isInSync)
  edit({ maxConnections: 80, interval: '50s' })
  const last = log.length
  assert.equal((await reload()).code, 0)
  // The answer may come before the line, which is none of the next test's.
  await logged('config-reloaded', last)
  await until('it is in sync', isInSync)
  assert.equal(read('runs'), 'begin\nend\nbegin\nend\n')
})

async function isInSync(): Promise<boolean> {
  return (await status()).templates?.groups[0]?.state === 'in-sync'
}

/** An etcd that does not answer. */
const away = (): object => ({ etcd3: { hosts: [`127.0.0.1:${silent.port}`], use_proxies: true } })

const eventsSince = (from: number): readonly (readonly unknown[])[] =>
  log
    .slice(from)
    .filter(({ event }) => /^config-/.test(String(event)))
    .map(({ event, level }) => [event, level])

test('a reload that is interrupted continues, and those that are requested meanwhile are one', async () => {
  const from = log.length
  edit({ dcs: away() })
  const options = { cwd: dir.path, logFile: path('command.log') }
  const command = await Child.start(process.execPath, [MAIN, 'reload', '-c', path('config.yml')], options)
  await command.until('the other DCS is tried', () => silent.sockets.size > 0)
  edit({ maxConnections: 70 })
  const both = [reload(), reload()]
  assert.deepEqual(await command.stop({ signal: 'SIGINT' }), { code: 1, signal: null })
  assert.equal(command.log(), 'patroni-router: interrupted; a reload that was begun continues\n')
  const [one, other] = await Promise.all(both)
  assert.equal(one?.code, 0)
  assert.match(one.stdout, /^ {2}proxy\.max_connections: 80 -> 70$/m)
  assert.deepEqual(one, other)
  assert.deepEqual(eventsSince(from), [
    ['config-refused', 'error'],
    ['config-reloaded', 'info'],
  ])
})

test('while the router ends nothing is reloaded, every request is answered, and the router ends as it would', async () => {
  const from = log.length
  const client = connect(port, '127.0.0.1')
  client.on('error', () => undefined) // It is cut off at the end.
  client.write('\0\0\0\x08\0\x03\0\0')
  await until('it has a session', async () => (await status()).clusters[0]?.proxy?.listeners[0]?.sessions === 1)
  edit({ dcs: away() })
  const begun = reload()
  await until('the other DCS is tried', () => silent.sockets.size > 0)
  router.signal('SIGTERM')
  await logged('draining', from)
  // The command would read the file first, and be late.
  const late = askReload(path('admin.sock'), 'reload', { timeoutMs: 20_000, signal: AbortSignal.timeout(30_000) })
  router.signal('SIGHUP')
  await until('it shows that it ends', async () => (await status()).stopping)
  const exit = router.stop()
  const { code, stdout, stderr } = await begun
  assert.deepEqual([code, stdout], [1, ''], stderr)
  assert.match(stderr, /^the router is shutting down\npatroni-router: not reloaded: .*\n$/m)
  assert.deepEqual((await late).problems, ['the router is shutting down'])
  assert.deepEqual(await exit, { code: 0, signal: null })
  assert.deepEqual(new Set(eventsSince(from).map(String)), new Set(['config-refused,info']))
  client.destroy()
})
