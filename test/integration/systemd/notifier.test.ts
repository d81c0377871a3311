/** What systemd would receive, on a socket of the test's. */
import assert from 'node:assert/strict'
import { chmodSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import { notifierFor, type NotifierDeps } from '../../../src/systemd/notifier.ts'
import { TempDir } from '../../support/files/temp.ts'
import { NotifySocket } from '../../support/processes/notify-socket.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { until } from '../../support/until.ts'

let dir: TempDir
let socket: NotifySocket
before(async () => {
  dir = TempDir.create('systemd')
  socket = await NotifySocket.bind()
})
after(async () => {
  await socket[Symbol.asyncDispose]()
  await dir.remove()
})

type Line = { readonly event: string; readonly msg: string; readonly level: number }

function start(env: NotifierDeps['env'] = {}, hangMs?: number) {
  const lines: Line[] = []
  const notifier = notifierFor({
    env: { PATH: process.env['PATH'], NOTIFY_SOCKET: socket.path, ...env },
    pid: process.pid,
    log: pino({}, { write: (line: string) => void lines.push(JSON.parse(line) as Line) }),
    monotonicUsec: () => process.hrtime.bigint() / 1000n,
    signalGroup: (pid, signal) => process.kill(-pid, signal),
    ...(hangMs === undefined ? {} : { hangMs }),
  })
  assert.ok(notifier)
  const from = socket.messages.length
  notifier.start()
  const received = (assignment: string | RegExp, after = from) => socket.received(assignment, after)
  return { notifier, lines, received, from, [Symbol.asyncDispose]: () => notifier.close() }
}

/** The shells of this process, which a notifier has started. */
function shells(): number[] {
  const isShell = (pid: string): boolean => {
    try {
      const [, rest = ''] = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')
      return (
        Number(rest.split(' ')[1]) === process.pid &&
        readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('systemd-notify')
      )
    } catch {
      return false // It has just ended.
    }
  }
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && isShell(name))
    .map(Number)
}

/** A directory whose `systemd-notify` is this script. */
function fake(name: string, script: string): string {
  const path = join(dir.mkdir(name), 'systemd-notify')
  writeFileSync(path, `#!/bin/sh\n${script}\n`)
  chmodSync(path, 0o755)
  return `${join(dir.path, name)}:${process.env['PATH'] ?? ''}`
}

test('sends a reload with its time, and its end, as messages of their own', async () => {
  await using started = start()
  const { notifier, received } = started
  const before = process.hrtime.bigint() / 1000n
  notifier.ready()
  const ready = await received('READY=1')
  notifier.reloading()
  notifier.ready()
  const reloading = await received('RELOADING=1', ready + 1)
  const [, time = ''] = socket.messages[reloading] ?? []
  assert.match(time, /^MONOTONIC_USEC=\d+$/)
  const at = BigInt(time.slice('MONOTONIC_USEC='.length))
  assert.ok(at >= before && at <= process.hrtime.bigint() / 1000n)
  assert.ok((await received('READY=1', ready + 1)) > reloading)
})

test('sends a status as it is, whatever a shell would make of it, and only when it has changed', async () => {
  await using started = start()
  const { notifier, received, from } = started
  const texts = ['$(id) `id` $HOME "\' * ? ~ \\n \\ -x', '  --ready  a=b ', 'ä€😀', '-']
  for (const text of texts) {
    notifier.status(text)
    await received(`STATUS=${text}`)
    notifier.status(text)
  }
  notifier.stopping(0)
  await received('STOPPING=1')
  assert.deepEqual(
    socket.assignments.slice(socket.messages.slice(0, from).flat().length).filter((each) => each.startsWith('STATUS=')),
    texts.map((text) => `STATUS=${text}`),
  )
})

test('nothing follows the message that the router stops, which systemd has when the shell has ended', async () => {
  const { notifier, from } = start()
  notifier.ready()
  notifier.stopping(2000)
  notifier.ready()
  notifier.reloading()
  await notifier.close()
  await socket.received('STOPPING=1', from)
  const sent = socket.messages.slice(from)
  assert.deepEqual(sent.at(-1), ['STOPPING=1', 'EXTEND_TIMEOUT_USEC=7000000'])
  assert.ok(sent.length <= 2)
  assert.deepEqual(shells(), [])
})

test('gives a sign of life three times in the time that systemd waits, and none for the watchdog of another process', async () => {
  const { notifier, received, from } = start({ WATCHDOG_USEC: '600000', WATCHDOG_PID: String(process.pid) })
  const began = performance.now()
  let at = from - 1
  for (let pings = 0; pings < 4; pings++) at = await received('WATCHDOG=1', at + 1)
  assert.ok(performance.now() - began >= 700)
  await notifier.close()
  const closed = socket.messages.length

  await using other = start({ WATCHDOG_USEC: '3', WATCHDOG_PID: '1' })
  assert.deepEqual(
    other.lines.map(({ event }) => event),
    ['watchdog-foreign'],
  )
  other.notifier.status('there')
  await other.received('STATUS=there')
  assert.ok(!socket.messages.slice(closed).flat().includes('WATCHDOG=1'))
})

test('the shell has no descriptor of the router but its two pipes, takes no notice of SIGTERM and is started again when it is killed', async () => {
  await using server = createServer().listen(0)
  await once(server, 'listening')
  await using started = start({ WATCHDOG_USEC: '300000' })
  const { lines, received } = started
  const first = await received('WATCHDOG=1')
  const [shell = 0, ...others] = shells()
  assert.deepEqual(others, [])
  const links = readdirSync(`/proc/${shell}/fd`).map(
    (fd) => [Number(fd), readlinkSync(`/proc/${shell}/fd/${fd}`)] as const,
  )
  assert.deepEqual(
    links.flatMap(([fd, link]) => (fd <= 2 || link.startsWith('socket:') ? [`${fd} ${link.replace(/:.*/, '')}`] : [])),
    ['0 socket', '1 socket', '2 socket'],
  )
  assert.equal(readlinkSync(`/proc/${shell}/cwd`), '/')
  process.kill(-shell, 'SIGTERM')
  await received('WATCHDOG=1', first + 2)
  assert.deepEqual(shells(), [shell])
  assert.deepEqual(lines, [])

  process.kill(shell, 'SIGKILL')
  await until('there is another', () => shells().some((pid) => pid !== shell))
  await received('WATCHDOG=1', socket.messages.length)
  await until('both are logged', () => lines.length === 2)
  assert.deepEqual(
    lines.map(({ event, msg }) => [event, msg]),
    [
      ['notify-failed', 'systemd cannot be notified: its shell has ended (SIGKILL)'],
      ['notify-resumed', 'systemd is notified again'],
    ],
  )
})

test('a systemd-notify that hangs holds up what follows, is ended, and the last of what came meanwhile is sent', async () => {
  const marker = join(dir.path, 'hung')
  const real = '/usr/bin/systemd-notify'
  const PATH = fake('hangs', `if [ ! -e ${marker} ]; then : >${marker}; sleep 1000; fi; exec ${real} "$@"`)
  await using started = start({ PATH }, 500)
  const { notifier, lines, received, from } = started
  for (let n = 0; n < 1000; n++) {
    notifier.reloading()
    notifier.status(`reload ${n}`)
    notifier.ready()
  }
  await received('READY=1')
  await received('STATUS=reload 999')
  const sent = socket.messages.slice(from)
  assert.equal(sent.filter((message) => message.includes('RELOADING=1')).length, 1)
  assert.ok(sent.length <= 4, JSON.stringify(sent))
  assert.match(lines[0]?.msg ?? '', /systemd-notify did not end within 0.5 s/)
  assert.equal(shells().length, 1)
})

test('a systemd-notify that fails is reported once, in its own words, and what it did not send is sent later', async () => {
  const failing = join(dir.path, 'failing')
  writeFileSync(failing, '')
  const PATH = fake(
    'fails',
    `if [ -e ${failing} ]; then echo 'no way' >&2; exit 1; fi; exec /usr/bin/systemd-notify "$@"`,
  )
  await using started = start({ PATH })
  const { notifier, lines, received } = started
  notifier.ready()
  notifier.status('there')
  await until('it is logged', () => lines.length > 0)
  assert.deepEqual(
    lines.map(({ event, msg }) => [event, msg]),
    [['notify-failed', 'systemd cannot be notified: no way']],
  )
  rmSync(failing)
  await received('READY=1')
  await received('STATUS=there')
  await until('its end is logged', () => lines.length > 1)
  assert.deepEqual(
    lines.map(({ event }) => event),
    ['notify-failed', 'notify-resumed'],
  )
})

test('a router reports that it is ready with its status, each reload, refused ones as well, and the time that it may take to stop', async () => {
  const cluster = join(dir.path, 'cluster.yml')
  writeFileSync(cluster, 'members: {}\n')
  const config = { scope: 'demo', file: { path: cluster }, proxy: { drain_timeout: '10s' } }
  const from = socket.messages.length
  await using router = await RouterProcess.start({ config, env: { NOTIFY_SOCKET: socket.path } })
  const ready = await socket.received('READY=1', from)
  assert.match(socket.messages.slice(from).flat().join('\n'), /^STATUS=primary: NONE since /m)
  let last = ready
  for (const next of [{ ...config, proxi: {} }, config]) {
    router.configure(next)
    router.reload()
    const reloading = await socket.received('RELOADING=1', last + 1)
    assert.match(socket.messages[reloading]?.[1] ?? '', /^MONOTONIC_USEC=\d+$/)
    last = await socket.received('READY=1', reloading + 1)
  }
  assert.deepEqual(await router.stop(), { code: 0, signal: null })
  const stopping = await socket.received('STOPPING=1', last + 1)
  assert.equal(socket.messages[stopping]?.[1], 'EXTEND_TIMEOUT_USEC=15000000')
})

test('there is nothing to notify without a socket, and a missing systemd-notify is named', async () => {
  assert.equal(
    notifierFor({ env: {}, pid: 1, log: pino({ level: 'silent' }), monotonicUsec: () => 0n, signalGroup: () => false }),
    null,
  )
  await using started = start({ PATH: dir.path })
  const { notifier, lines } = started
  notifier.ready()
  await until('it is logged', () => lines.length > 0)
  assert.match(lines[0]?.msg ?? '', /systemd cannot be notified: .*systemd-notify: not found$/)
})
