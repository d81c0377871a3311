/** The unit of examples/systemd/router on a host with a systemd of its own, with a WatchdogSec of 3 s. */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Host } from '../../support/hosts/host.ts'
import { Lan } from '../../support/hosts/lan.ts'
import type { Child } from '../../support/processes/child.ts'
import { until } from '../../support/until.ts'

const WATCHDOG_USEC = 3_000_000
/** Asking takes a tenth of a second of the machine. */
const PATIENCE = { everyMs: 500 }

/** An etcd that accepts connections and never answers, and a PostgreSQL that answers as one does, which is all that a session needs. */
const SERVERS = `
import socket, selectors
selector = selectors.DefaultSelector()
for port, answer in (2379, b""), (5432, bytes([82, 0, 0, 0, 8, 0, 0, 0, 0])):
    selector.register(socket.create_server(("10.0.0.254", port)), selectors.EVENT_READ, answer)
print("listening", flush=True)
kept = []
while True:
    for key, _ in selector.select():
        connection, _ = key.fileobj.accept()
        connection.send(key.data)
        kept.append(connection)
`
/** One session, until it is closed. */
const SESSION = `
import socket
session = socket.create_connection(("10.0.0.1", 5000))
session.sendall(bytes([0, 0, 0, 17, 0, 3, 0, 0]) + b"user\\0me\\0\\0")
while session.recv(100):
    print("it is answered", flush=True)
`
/** 10.0.0.253 has an address of Ethernet that no host has: what is sent there is lost. */
const CONFIG = `
clusters:
  here: { scope: here, file: { path: /etc/patroni-router/here.yml } }
  silent: { scope: silent, etcd3: { hosts: '10.0.0.254:2379' } }
  dropped: { scope: dropped, etcd3: { hosts: '10.0.0.253:2379' } }
proxy:
  trust: dcs
  drain_timeout: 6s
  listeners: { primary: { bind: '*:5000', route: primary, cluster: here } }
`
const CLUSTER = 'leader: pg1\nmembers: { pg1: { host: 10.0.0.254, port: 5432, state: running, role: primary } }\n'
/** Stands for any fault that keeps the event loop from turning. */
const BLOCK = "process.on('SIGUSR2', () => { for (;;); })\n"
const DROP_IN = `
[Service]
WatchdogSec=3
TimeoutStopSec=1
RestartSec=100ms
Environment=NODE_OPTIONS=--import=/usr/local/lib/block.mjs
`

let lan: Lan
let host: Host

before(async () => {
  lan = await Lan.create()
  let isListening = false
  await lan.start('servers', `exec /usr/bin/python3 -c '${SERVERS}'`, () => (isListening = true))
  host = await Host.boot(lan, { name: 'router', address: '10.0.0.1/24' })
  await host.write('/etc/patroni-router/config.yml', CONFIG)
  await host.write('/etc/patroni-router/here.yml', CLUSTER)
  await host.write('/usr/local/lib/block.mjs', BLOCK)
  await host.write('/etc/systemd/system/patroni-router.service.d/test.conf', DROP_IN)
  await host.ok(`
    ip neighbour add 10.0.0.253 lladdr 02:00:00:00:00:fd dev eth0 nud permanent
    install -m 644 /root/patroni-router/examples/systemd/router/patroni-router.service -t /etc/systemd/system
    systemctl daemon-reload
  `)
  await until('the servers listen', () => isListening)
})
after(() => lan[Symbol.asyncDispose]())

async function properties<N extends string>(...names: readonly N[]): Promise<Record<N, string>> {
  const lines = await host.ok(`systemctl show --timestamp=us+utc --property=${names.join()} patroni-router`)
  return Object.fromEntries(
    lines
      .trimEnd()
      .split('\n')
      .map((line) => /^([^=]*)=(.*)$/.exec(line)?.slice(1) ?? []),
  ) as Record<N, string>
}

/** Returns the time of CLOCK_MONOTONIC on the host. Microseconds. */
async function monotonicUsec(): Promise<number> {
  return Number((await host.read('/proc/uptime')).split(' ')[0]) * 1_000_000
}

/** Waits until systemd has had signs of life for so long after `since`, which is now, and returns how often it has started the router again. */
async function restartsAfter(watchdogs: number, since?: number): Promise<number> {
  const from = since ?? (await monotonicUsec())
  const isOver = async (): Promise<boolean> => {
    const { WatchdogTimestampMonotonic: last } = await properties('WatchdogTimestampMonotonic')
    return Number(last) - from > watchdogs * WATCHDOG_USEC
  }
  await until(`systemd has had signs of life for ${watchdogs} WatchdogSec`, isOver, PATIENCE)
  return Number((await properties('NRestarts')).NRestarts)
}

async function session(): Promise<Child> {
  let isAnswered = false
  const child = await lan.start('session', `exec /usr/bin/python3 -c '${SESSION}'`, () => (isAnswered = true))
  await until('it is answered', () => isAnswered)
  return child
}

async function statusBecomes(fits: RegExp): Promise<void> {
  await until(
    `the status fits ${fits.source}`,
    async () => fits.test((await properties('StatusText')).StatusText),
    PATIENCE,
  )
}

/** Lines of the router's log with this event. */
async function logged(event: string): Promise<readonly { readonly time: string; readonly msg: string }[]> {
  const lines = (await host.ok('journalctl --output=cat -u patroni-router')).split('\n')
  return lines
    .filter((line) => line.includes(`"event":"${event}"`))
    .map((line) => JSON.parse(line) as { time: string; msg: string })
}

test('systemctl start ends when every DCS was read or tried, and the status is the first line of the router', async () => {
  await host.ok('systemctl start patroni-router')
  const { ActiveState, ActiveEnterTimestamp } = await properties('ActiveState', 'ActiveEnterTimestamp')
  assert.equal(ActiveState, 'active')
  const readyAt = Date.parse(ActiveEnterTimestamp.replace(/^\w+ (\S+) (\S+) UTC$/, '$1T$2Z'))
  const tried = (await logged('dcs-unreached')).map(({ time }) => Date.parse(time))
  assert.equal(tried.length, 2)
  assert.ok(readyAt >= Math.max(...tried))
  await statusBecomes(
    /^primary of silent: NONE since .* primary of here: pg1 OPEN since [-\d]+ [:\d]+Z - it holds the leader lock/,
  )
  assert.match(await host.ok('systemctl status patroni-router'), /Status: "primary of silent: NONE since /)
})

test('systemctl reload fails with a configuration that is refused, and the unit is active after it as after any other', async () => {
  const isActive = async (): Promise<boolean> => (await properties('ActiveState')).ActiveState === 'active'
  await host.write('/etc/patroni-router/config.yml', `${CONFIG}proxi: {}\n`)
  assert.notEqual((await host.sh('systemctl reload patroni-router')).code, 0)
  assert.match((await logged('config-refused'))[0]?.msg ?? '', /proxi/)
  await until('it is active', isActive, PATIENCE)
  await host.write('/etc/patroni-router/config.yml', CONFIG.replace('drain_timeout: 6s', 'drain_timeout: 7s'))
  await host.ok('systemctl reload patroni-router')
  assert.equal((await logged('config-reloaded')).length, 1)
  await until('it is active again', isActive, PATIENCE)
})

test('a router without a descriptor left is not started again', async () => {
  const pid = (await properties('MainPID')).MainPID
  const limits = await host.ok(`prlimit --raw --noheadings --nofile --output=SOFT,HARD --pid ${pid}`)
  await host.ok(`prlimit --nofile=$(ls /proc/${pid}/fd | wc -l): --pid ${pid}`)
  assert.equal(await restartsAfter(2), 0)
  assert.match((await logged('dcs-lost'))[0]?.msg ?? '', /out of file descriptors/)
  await host.ok(`prlimit --nofile=${limits.trim().replace(/\s+/, ':')} --pid ${pid}`)
})

test('signs of life continue when the shell that sends them is killed', async () => {
  await host.ok('pkill -KILL -o -f systemd-notify')
  assert.equal(await restartsAfter(1), 0)
  assert.match((await logged('notify-failed'))[0]?.msg ?? '', /its shell has ended \(SIGKILL\)/)
  await until('it is notified again', async () => (await logged('notify-resumed')).length === 1, PATIENCE)
})

test('a DCS that does not answer, or is not reached, for several WatchdogSec is no reason to start the router again', async () => {
  const { ActiveEnterTimestampMonotonic: readyAt } = await properties('ActiveEnterTimestampMonotonic')
  assert.equal(await restartsAfter(4, Number(readyAt)), 0)
  assert.equal((await logged('dcs-up')).filter(({ msg }) => !msg.startsWith('here: ')).length, 0)
})

test('a router whose event loop stands still is started again', async () => {
  await host.signal('patroni-router', 'USR2')
  const isBack = async (): Promise<boolean> => {
    const { NRestarts, ActiveState } = await properties('NRestarts', 'ActiveState')
    return NRestarts === '1' && ActiveState === 'active'
  }
  await until('it is started again', isBack, PATIENCE)
  assert.match(await host.journal('patroni-router'), /Watchdog timeout \(limit 3s\)![^]*with signal SIGKILL/)
})

test('systemd waits for sessions to end, though TimeoutStopSec is shorter, and shows that the router stops', async () => {
  const client = await session()
  const isSession = async (): Promise<boolean> => {
    const { stdout, stderr } = await host.sh('patroni-router status')
    if (!stdout.includes('1 session,')) throw new Error(stdout + stderr)
    return true
  }
  await until('it is a session', isSession, PATIENCE)
  // Not by systemctl: it learns of it from the router.
  await host.signal('patroni-router', 'TERM')
  await statusBecomes(/SHUTTING DOWN/)
  assert.equal((await properties('SubState')).SubState, 'stop-sigterm')
  await host.ok('systemctl stop patroni-router')
  const ended = await properties('ActiveState', 'Result', 'ExecMainStatus')
  assert.deepEqual(ended, { ActiveState: 'inactive', Result: 'success', ExecMainStatus: '0' })
  await client.exited
})
