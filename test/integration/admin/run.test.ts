import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { ask } from '../../../src/admin/client.ts'
import { statusSchema } from '../../../src/admin/status/schema.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')
let dir: TempDir
let socket: string
let config: string

beforeEach(() => {
  dir = TempDir.create('run')
  socket = join(dir.path, 'run', 'admin.sock')
  config = join(dir.path, 'config.yml')
  writeFileSync(
    config,
    `scope: demo
etcd3: {hosts: ['127.0.0.1:1']}
proxy:
  listeners:
    primary: {bind: '127.0.0.1:0', route: primary}
admin: {socket: '${socket}', bind: off}
`,
  )
})
afterEach(() => dir.remove())

class Daemon {
  readonly process: ChildProcess
  readonly exit: Promise<number | null>
  output = ''

  /** Its working directory is in `dir`, so that it ends with the test. */
  constructor() {
    this.process = spawn(process.execPath, [MAIN, 'run', '-c', config], { cwd: dir.path, env: {}, stdio: 'pipe' })
    this.process.stdout?.setEncoding('utf8').on('data', (chunk) => (this.output += String(chunk)))
    this.exit = new Promise((resolve) => this.process.once('exit', (code) => resolve(code)))
  }

  events(): (string | undefined)[] {
    const lines = this.output.split('\n').filter((line) => line !== '')
    return lines.map((line) => (JSON.parse(line) as { event?: string }).event)
  }

  async started(): Promise<this> {
    await until('the router runs', () => this.output.endsWith('\n') && this.events().includes('started'))
    return this
  }
}

function show(command: string): Promise<string> {
  return ask(socket, command, { timeoutMs: 5000, signal: AbortSignal.timeout(5000) })
}

test('runs without its DCS, answers status, and ends with 0 after SIGTERM without leaving its socket', async () => {
  const daemon = await new Daemon().started()
  const status = statusSchema.parse(JSON.parse(await show('show status json')))
  assert.equal(status.pid, daemon.process.pid)
  assert.equal(status.clusters[0]?.primary.state, 'none')
  daemon.process.kill('SIGTERM')
  assert.equal(await daemon.exit, 0)
  assert.deepEqual(daemon.events().slice(-2), ['draining', 'stopped'])
  assert.equal(existsSync(socket), false)
})

test('logs JSON lines with the time in ISO 8601 and the level by name', async () => {
  const daemon = await new Daemon().started()
  const [first = ''] = daemon.output.split('\n')
  const { level, time, event } = JSON.parse(first) as Record<string, unknown>
  assert.deepEqual([level, event], ['info', 'starting'])
  assert.match(String(time), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
  daemon.process.kill('SIGINT')
  assert.equal(await daemon.exit, 0)
})

test('keeps running when its log has no reader any more, and after SIGHUP', async () => {
  const daemon = await new Daemon().started()
  daemon.process.stdout?.destroy()
  daemon.process.stderr?.destroy()
  for (let line = 0; line < 3; line++) {
    daemon.process.kill('SIGHUP')
    assert.match(await show('show info'), new RegExp(`^Pid: ${daemon.process.pid}$`, 'm'))
  }
  daemon.process.kill('SIGTERM')
  assert.equal(await daemon.exit, 0)
})

test('does not start beside a router that has its socket, says so, and leaves that one alone', async () => {
  const first = await new Daemon().started()
  const second = new Daemon()
  assert.equal(await second.exit, 1)
  const last = JSON.parse(second.output.trim().split('\n').at(-1) ?? '') as { level: string; msg: string }
  assert.equal(last.level, 'fatal')
  assert.match(last.msg, new RegExp(`${socket}: another process listens there`))
  assert.match(await show('show version'), /^\d/)
  first.process.kill('SIGTERM')
  assert.equal(await first.exit, 0)
})
