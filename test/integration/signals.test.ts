import assert from 'node:assert/strict'
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { Child } from '../support/processes/child.ts'
import { RouterProcess } from '../support/router/process.ts'
import { TempDir } from '../support/files/temp.ts'
import { until } from '../support/until.ts'

const MAIN = join(import.meta.dirname, '../../src/main.ts')
const HARMLESS = [
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGXCPU',
  'SIGXFSZ',
  'SIGIO',
  'SIGPWR',
] as const

let dir: TempDir
beforeEach(() => {
  dir = TempDir.create('signals')
})
afterEach(() => dir.remove())

function start(env: Readonly<Record<string, string>> = {}): Promise<RouterProcess> {
  return RouterProcess.start({ config: { scope: 'demo', file: { path: join(dir.path, 'cluster.yml') } }, env })
}

/** The TCP ports that a process listens on. */
function listening(pid: number): number[] {
  const fds = `/proc/${pid}/fd`
  const links = readdirSync(fds).map((fd) => {
    try {
      return readlinkSync(join(fds, fd))
    } catch {
      return '' // Closed in the meantime.
    }
  })
  const own = new Set(links.flatMap((link) => /^socket:\[(\d+)\]$/.exec(link)?.[1] ?? []))
  return ['tcp', 'tcp6'].flatMap((table) =>
    readFileSync(`/proc/net/${table}`, 'utf8')
      .split('\n')
      .map((row) => row.trim().split(/\s+/))
      .filter(([, , , state, , , , , , inode]) => state === '0A' && own.has(inode ?? ''))
      .map(([, local = '']) => parseInt(local.split(':').at(-1) ?? '', 16)),
  )
}

for (const NODE_OPTIONS of ['', '--disable-sigusr1']) {
  test(`no signal ends the router or opens a debugger but those that are for it ${NODE_OPTIONS}`, async () => {
    await using router = await start(NODE_OPTIONS === '' ? {} : { NODE_OPTIONS })
    const { pid } = router.process
    for (const signal of HARMLESS) router.process.signal(signal)
    // It answers when it has taken all of them.
    router.reload()
    await router.waitForLog('SIGHUP', ({ event }) => event === 'config-unchanged')
    assert.equal(router.process.running, true)
    assert.deepEqual(listening(pid).toSorted(), [router.primaryPort, router.replicaPort].toSorted())
    assert.doesNotMatch(router.output(), /Debugger/)
  })
}

for (const signal of ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const) {
  test(`${signal} drains, and the exit code is 0`, async () => {
    await using router = await start()
    const exit = await router.stop({ signal })
    assert.deepEqual(exit, { code: 0, signal: null })
    assert.ok(router.log.some((line) => line['event'] === 'draining' && line['signal'] === signal))
  })
}

/** As a shell starts a job in the background: a process group of its own, in the session of the one that waits for it. */
const JOB = `
import os, subprocess, sys
job = subprocess.Popen(sys.argv[1:], preexec_fn=os.setpgrp)
print(job.pid, flush=True)
sys.exit(job.wait())`

test('signals of job control stop nothing', async () => {
  const config = join(dir.path, 'config.yml')
  const socket = join(dir.path, 'admin.sock')
  const listeners = { primary: { bind: '127.0.0.1:0', route: 'primary' } }
  const file = { path: join(dir.path, 'cluster.yml') }
  writeFileSync(config, JSON.stringify({ scope: 'demo', file, proxy: { listeners }, admin: { socket, bind: 'off' } }))
  const lines: string[] = []
  const shell = await Child.start('python3', ['-c', JOB, process.execPath, MAIN, 'run', '-c', config], {
    cwd: dir.path,
    logFile: join(dir.path, 'log'),
    onLine: (line) => void lines.push(line),
  })
  await shell.until('it runs', () => lines.some((line) => line.includes('"started"')))
  const pid = Number(lines.find((line) => /^\d+$/.test(line)))
  for (const signal of ['SIGTSTP', 'SIGTTIN', 'SIGTTOU', 'SIGHUP'] as const) process.kill(pid, signal)
  await shell.until('it has taken all of them', () => lines.some((line) => line.includes('"config-unchanged"')))
  process.kill(pid, 'SIGTERM')
  assert.deepEqual(await shell.exited, { code: 0, signal: null })
})

test('a SIGUSR1 before the router can take it leaves no debugger open', async () => {
  const child = await Child.start(process.execPath, [MAIN, 'status', '--watch', '--socket', join(dir.path, 'none')], {
    cwd: dir.path,
    logFile: join(dir.path, 'log'),
    env: {},
  })
  // Node has its handler by now, and the command line has not: what comes too early for that is tried again.
  let sent = 0
  await until(
    'it watches',
    () => {
      if (child.running && isNode(child.pid)) sent += Number(child.signal('SIGUSR1'))
      return /cannot|no router|not exist/i.test(child.log())
    },
    { everyMs: 5 },
  )
  assert.ok(sent > 0)
  await until('nothing listens', () => listening(child.pid).length === 0)
  child.signal('SIGALRM')
  child.signal('SIGUSR2')
  const exit = await child.stop({ signal: 'SIGINT' })
  assert.equal(exit.signal, null)

  /** Whether it catches SIGUSR1, whose default would end it. */
  function isNode(pid: number): boolean {
    const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? '0'
    return (BigInt(`0x${caught}`) & (1n << 9n)) !== 0n
  }
})
