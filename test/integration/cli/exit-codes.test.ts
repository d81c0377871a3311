/** Every exit code that a command is described with has a run that gives it, and each of these is described. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { actCommands } from '../../../src/admin/act-commands.ts'
import { reloadCommands } from '../../../src/admin/reload.ts'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import type { RouterStatus } from '../../../src/admin/status.ts'
import { EXIT } from '../../../src/cli/io.ts'
import { History } from '../../../src/events/history.ts'
import { COMMANDS } from '../../../src/cli/usage/program.ts'
import type { CommandName, ExitName } from '../../../src/cli/usage/types.ts'
import { TempDir } from '../../support/files/temp.ts'
import { freePorts } from '../../support/net/ports.ts'
import { sampleActs, sampleReload, sampleStatus, sampleView } from '../../unit/admin/sample.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')
const NOBODY = { ...sampleView().primary, state: 'none', member: null, reason: 'nobody' } as const
const NEVER = { ...sampleView().dcs, state: 'never' } as const
const SOCKETS: Readonly<Record<string, RouterStatus>> = {
  'open.sock': sampleStatus(),
  'refusing.sock': sampleStatus(),
  'none.sock': sampleStatus({ view: sampleView({ primary: NOBODY }), proxy: null }),
  'unread.sock': sampleStatus({ view: sampleView({ primary: NOBODY, dcs: NEVER }), proxy: null }),
}

let dir: TempDir
let busy = 0
const sockets: AdminSocket[] = []
const blocker = createServer()

before(async () => {
  dir = TempDir.create('exit-codes')
  for (const [name, status] of Object.entries(SOCKETS)) {
    const report = sampleReload(name === 'refusing.sock' ? { outcome: 'refused', refusedBy: 'router' } : {})
    const reloading = reloadCommands({ reload: () => Promise.resolve(report), preview: () => Promise.resolve(report) })
    const acts = actCommands(sampleActs([], name === 'refusing.sock' ? 'there is no member pg9' : null))
    const commands = [...showCommands(() => status, new History()), ...reloading, ...acts]
    const options = { path: join(dir.path, name), commands, log: pino({ level: 'silent' }) }
    const socket = new AdminSocket(options)
    await socket.start()
    sockets.push(socket)
  }
  blocker.listen(0, '127.0.0.1')
  await once(blocker, 'listening')
  const address = blocker.address()
  busy = typeof address === 'object' && address !== null ? address.port : 0
  const [free = 0] = await freePorts(1)
  mkdirSync(join(dir.path, 'out'))
  const files = {
    'one.hbs': '{{scope}}\n',
    'cluster.yml': `leader: pg1\nmembers: {pg1: {host: 127.0.0.1, port: 1, api_url: 'http://127.0.0.1:1/patroni'}}\n`,
    'wrong.yml': 'scope: demo\n',
    'away.yml': `scope: demo\netcd3: {hosts: ['127.0.0.1:1']}\nproxy: {listeners: {p: {bind: '127.0.0.1:0', route: primary}}}\n`,
    'free.yml': configuration(`proxy: {listeners: {p: {bind: '127.0.0.1:${free}', route: primary}}}`),
    'busy.yml': configuration(`proxy: {listeners: {p: {bind: '127.0.0.1:${busy}', route: primary}}}`),
    'written.yml': configuration(`templates: [{source: one.hbs, destination: ${dir.path}/out/one.conf}]`),
    'unwritten.yml': configuration(`templates: [{source: one.hbs, destination: ${dir.path}/nowhere/one.conf}]`),
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir.path, name), text)
})
after(async () => {
  await Promise.all(sockets.map((socket) => socket.close()))
  blocker.close()
  await dir.remove()
})

function configuration(rest: string): string {
  return `scope: demo\nfile: {path: cluster.yml}\nadmin: {socket: ${dir.path}/admin.sock, bind: off}\n${rest}\n`
}

/** Arguments in the directory of the test, `BUSY` for a port in use, and the output at which SIGTERM is sent. */
type Run = string | { readonly args: string; readonly until: RegExp }

const RUNS: Readonly<Record<CommandName, Partial<Record<ExitName, Run>>>> = {
  run: { ok: { args: '-c free.yml', until: /"started"/ }, failed: '-c busy.yml', usage: '-c wrong.yml' },
  check: {
    ok: '-c free.yml',
    failed: '-c away.yml --online',
    usage: '-c wrong.yml',
    noRouter: '-c free.yml --diff',
  },
  reload: {
    ok: '--socket open.sock',
    failed: '--socket refusing.sock',
    usage: '-c wrong.yml --port 1',
    noRouter: '--socket nowhere.sock',
  },
  render: { ok: '-c written.yml', failed: '-c unwritten.yml', usage: '-c wrong.yml' },
  status: {
    ok: '--socket open.sock',
    failed: '--socket none.sock',
    usage: '--socket open.sock --cluster other',
    noRouter: '--socket nowhere.sock',
  },
  events: { ok: '--socket open.sock', usage: '--socket open.sock --since never', noRouter: '--socket nowhere.sock' },
  sessions: {
    ok: '--socket open.sock',
    failed: '--socket refusing.sock --member pg9',
    usage: 'close --socket open.sock',
    noRouter: '--socket nowhere.sock',
  },
  member: {
    ok: 'drain pg2 --for 30m --socket open.sock',
    failed: 'drain pg9 --socket refusing.sock',
    usage: 'drain pg2 --for ever --socket open.sock',
    noRouter: 'ready pg2 --socket nowhere.sock',
  },
  hold: {
    ok: 'primary --for 2m --socket open.sock',
    failed: 'none --socket refusing.sock',
    usage: 'primary replicas --socket open.sock',
    noRouter: '--socket nowhere.sock',
  },
  release: {
    ok: '--socket open.sock',
    failed: 'none --socket refusing.sock',
    usage: '--for 2m --socket open.sock',
    noRouter: '--socket nowhere.sock',
  },
  track: {
    ok: 'primary --socket open.sock',
    failed: 'primary --socket none.sock',
    usage: 'primary --socket open.sock --cluster other',
    noRouter: 'primary --socket unread.sock',
  },
  schema: { ok: '', usage: 'of.yml' },
  completion: { ok: 'bash', usage: 'csh' },
  demo: {
    ok: { args: '--no-ui --port 0 --replica-port 0', until: /^serving/m },
    failed: '--no-ui --port BUSY --replica-port 0',
    usage: '--port high',
  },
}

async function exitCode(command: string, run: Run): Promise<{ code: unknown; said: string }> {
  const { args, until } = typeof run === 'string' ? { args: run, until: null } : run
  const words = args
    .replace('BUSY', String(busy))
    .split(' ')
    .filter((word) => word !== '')
  const child = spawn(process.execPath, [MAIN, command, ...words], { cwd: dir.path, env: {}, stdio: 'pipe' })
  let said = ''
  let isStopped = false
  const onData = (data: Buffer): void => {
    said += data.toString()
    if (isStopped || until?.test(said) !== true) return
    isStopped = true
    child.kill('SIGTERM')
  }
  child.stdout.on('data', onData)
  child.stderr.on('data', onData)
  const [code] = (await once(child, 'close')) as unknown[]
  return { code, said }
}

for (const { name, exits } of COMMANDS)
  describe(`the exit codes of ${name}`, { concurrency: 2 }, () => {
    test('are those that it is described with', () => {
      assert.deepEqual(
        Object.keys(RUNS[name]),
        exits.map(({ exit }) => exit),
      )
    })
    for (const [exit, run] of Object.entries(RUNS[name]) as [ExitName, Run][])
      test(`${EXIT[exit]}: ${typeof run === 'string' ? run : run.args}`, async () => {
        const { code, said } = await exitCode(name, run)
        assert.equal(code, EXIT[exit], said)
      })
  })
