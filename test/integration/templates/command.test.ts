/** Commands that end, fail, hang, fork, turn into daemons and write without end, as real processes. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { getEventListeners } from 'node:events'
import { chmodSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { CommandConfig } from '../../../src/config/config.ts'
import { commandEnvironment, fill } from '../../../src/templates/commands/input.ts'
import { type CommandResult, runCommand } from '../../../src/templates/commands/run-command.ts'
import { signal } from '../../support/processes/signals.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

const LONG_MS = 60_000

describe('a command', () => {
  let dir: TempDir
  before(() => {
    dir = TempDir.create('command')
  })
  after(async () => dir.remove())

  const signals: string[] = []
  function signalGroup(pid: number, name: 'SIGTERM' | 'SIGKILL'): boolean {
    signals.push(name)
    return signal(-pid, name)
  }

  async function run(
    command: CommandConfig['command'],
    { timeoutMs = LONG_MS, env = {}, workingDir = dir.path, stop = new AbortController().signal } = {},
  ): Promise<CommandResult> {
    signals.length = 0
    const paths = { staged: join(dir.path, 'it is staged'), destination: '/destination' }
    const base = { ...commandEnvironment(process.env), PATH: '/usr/bin:/bin', FROM: 'base', BASE: 'there' }
    const options = { fill: paths, env: base, signalGroup, signal: stop }
    return runCommand({ command, timeoutMs, env, workingDir }, options)
  }

  /** The process whose number a command has written. */
  async function written(name: string): Promise<number> {
    return until(`${name} is written`, () => Number(readFileSync(join(dir.path, name), 'utf8')))
  }

  const isRunning = (pid: number): boolean => dir.processes().includes(pid)
  /** Sockets of this process: what a command writes to is one. */
  const sockets = (): number =>
    readdirSync('/proc/self/fd').filter((fd) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:')
      } catch {
        // It was the directory's own.
        return false
      }
    }).length

  test('that is a text holds each path as one word for a shell, whatever is in it', () => {
    const hostile = `/a b/it's "$(id)" \`id\` $HOME ; & | \\ * {{destination}} $& \n#~ü`
    const text = fill('printf %s {{staged}}', { staged: hostile, destination: '/plain' })
    assert.ok(typeof text === 'string')
    assert.equal(execFileSync('/bin/sh', ['-c', text], { encoding: 'utf8' }), hostile)
  })

  test('that is a text is read by a shell, one that is a list is not', async () => {
    const shell = await run('echo "$((1 + 1))" {{staged}}; echo err >&2; exit 3')
    assert.deepEqual([shell.ok, shell.exitCode, shell.outcome], [false, 3, 'exited with 3'])
    assert.deepEqual(shell.output.split('\n').sort(), [`2 ${dir.path}/it is staged`, 'err'])
    const list = await run(['printf', '[%s]', '$HOME; {{staged}}', '{{destination}}'])
    assert.deepEqual([list.ok, list.exitCode, list.outcome], [true, 0, 'exited with 0'])
    assert.equal(list.output, `[$HOME; ${dir.path}/it is staged][/destination]`)
    assert.ok(list.startedAt > 1e12 && list.durationMs >= 0)
  })

  test('has its variables on top of the small environment, its directory and no input', async () => {
    const { output } = await run('echo "$FROM $BASE ${PATRONI_CTL_KEYFILE_PASSWORD-none}"; pwd; wc -c', {
      env: { FROM: 'command' },
      workingDir: '/etc',
    })
    assert.equal(output, 'command there none\n/etc\n0')
  })

  test('that cannot be started says why', async () => {
    writeFileSync(join(dir.path, 'plain'), 'echo')
    chmodSync(join(dir.path, 'plain'), 0o644)
    writeFileSync(join(dir.path, 'windows'), '#!/bin/sh\r\necho\r\n')
    chmodSync(join(dir.path, 'windows'), 0o755)
    const cases: readonly (readonly [Promise<CommandResult>, string])[] = [
      [run(['no-such-program']), 'cannot be started: no such program: no-such-program'],
      [run(['./windows']), 'cannot be started: the interpreter that ./windows names does not exist'],
      [run([join(dir.path, 'plain')]), `cannot be started: not allowed to run ${dir.path}/plain`],
      [run('echo', { workingDir: '/none' }), 'cannot be started: its working directory /none does not exist'],
      [run(['echo', 'a\0b']), 'cannot be started: ERR_INVALID_ARG_VALUE'],
      [run(['PASSWORD=s3cret echo']), 'cannot be started: the first entry of the list does not look like a program'],
      [run([`curl s3cret ${'x'.repeat(5000)}`]), 'cannot be started: ENAMETOOLONG'],
    ]
    for (const [promise, outcome] of cases) {
      const result = await promise
      assert.ok(result.outcome.startsWith(outcome), result.outcome)
      assert.doesNotMatch(result.outcome, /s3cret/)
      assert.deepEqual([result.ok, result.exitCode], [false, null])
    }
    assert.equal((await run('kill -SEGV $$')).outcome, 'ended by SIGSEGV')
  })

  test('ends with all its children when its time is over, and may clean up before', async () => {
    const child = 'sh -c \'trap "echo cleaned; exit" TERM; echo $$ > grandchild; while :; do sleep 0.02; done\''
    const started = performance.now()
    const result = await run(`${child} & wait; wait`, { timeoutMs: 600 })
    assert.equal(result.outcome, 'killed: it did not end within 600ms')
    assert.ok(!result.ok)
    assert.match(result.output, /^cleaned$/m)
    assert.ok(performance.now() - started < 30_000)
    assert.ok(!isRunning(await written('grandchild')))
  })

  test('is killed with all its children when TERM does not impress it', async () => {
    const stubborn = (name: string): string => `sh -c 'trap "" TERM; echo $$ > ${name}; while :; do sleep 0.05; done'`
    const result = await run(`trap '' TERM; ${stubborn('one')} & ${stubborn('two')} >/dev/null 2>&1 & wait`, {
      timeoutMs: 300,
    })
    assert.equal(result.outcome, 'killed: it did not end within 300ms')
    assert.deepEqual(signals, ['SIGTERM', 'SIGKILL'])
    const pids = [await written('one'), await written('two')]
    await until('none of them is left', () => !pids.some(isRunning))
  })

  test('leaves no process behind at its timeout, also where it ends at once and its children do not', async () => {
    const child = `sh -c 'trap "" TERM; echo $$ > straggler; while :; do sleep 0.05; done' >/dev/null 2>&1`
    const result = await run(`${child} & while :; do sleep 0.05; done`, { timeoutMs: 400 })
    assert.equal(result.ok, false)
    const pid = await written('straggler')
    await until('it has ended', () => !isRunning(pid))
  })

  test('ends when it is aborted, and does not begin after that', async () => {
    const stop = new AbortController()
    const running = run('echo $$ > stopped; exec sleep 60', { stop: stop.signal })
    const pid = await written('stopped')
    stop.abort()
    assert.deepEqual([(await running).ok, (await running).outcome], [false, 'stopped'])
    assert.ok(!isRunning(pid))
    assert.equal((await run('touch never', { stop: stop.signal })).outcome, 'stopped before it began')
    assert.ok(!existsSync(join(dir.path, 'never')))
  })

  test('that turns into a daemon is done once it exits; the daemon lives and writes as much as it likes', async () => {
    const before = sockets()
    const noise =
      'i=0; while [ $i -lt 40 ]; do head -c 65536 /dev/zero; i=$((i + 1)); done; echo $$ > spoken; exec sleep 60'
    const result = await run(`(${noise}) & echo started; exit 0`)
    assert.deepEqual([result.ok, result.outcome], [true, 'exited with 0'])
    // Sixty-five thousand bytes at a time: whoever is not read from is blocked soon.
    await written('spoken')
    const daemon = dir.processes()
    assert.equal(daemon.length, 1)
    assert.deepEqual(signals, [])
    assert.ok(sockets() > before)
    for (const pid of daemon) signal(pid, 'SIGKILL')
    await until('its outputs are closed', () => sockets() === before)
  })

  test('keeps the end of what it writes, whatever it writes', async () => {
    const { output, ok } = await run(
      'i=0; while [ $i -lt 3000 ]; do echo "line $i"; i=$((i + 1)); done; printf "\\033[1mend"',
    )
    assert.ok(ok && Buffer.byteLength(output) <= 4096 && Buffer.byteLength(output) > 4000)
    assert.match(output, /line 2999\nend$/)
  })

  test('leaves no zombie, no descriptor, no timer and no listener', async () => {
    const stop = new AbortController()
    const [fds, timers] = [sockets(), active()]
    await Promise.all(Array.from({ length: 10 }, async () => run('echo x; exit 1', { stop: stop.signal })))
    await run('sleep 60', { timeoutMs: 50, stop: stop.signal })
    await run(['no-such-program'], { stop: stop.signal })
    await until('all descriptors are closed', () => sockets() === fds)
    await until('no timer and no process is left', () => active() <= timers)
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
    const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ')
    const states = children.map((pid) => readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.[0])
    assert.ok(!states.includes('Z'))
  })

  /** What keeps this process alive: timers and children. */
  function active(): number {
    return process.getActiveResourcesInfo().filter((name) => ['Timeout', 'ProcessWrap'].includes(name)).length
  }
})
