import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { Child } from '../../support/processes/child.ts'
import { listens } from '../../support/net/ports.ts'
import { sql } from '../../support/clients/sql.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')
const ANY_PORTS = ['--port', '0', '--replica-port', '0']
/** Four seconds of WebAssembly on an idle machine, which others share. */
const START_MS = 120_000

let dir: TempDir
let lines: string[]

beforeEach(() => {
  dir = TempDir.create('demo')
  dir.mkdir('tmp')
  lines = []
})
afterEach(async () => dir.remove())

/** `patroni-router demo` with a temporary directory of its own. */
async function start(command: string, args: readonly string[]): Promise<Child> {
  const env = { TMPDIR: join(dir.path, 'tmp'), TERM: 'xterm' }
  const onLine = (line: string) => lines.push(line)
  return Child.start(command, args, { cwd: dir.path, env, logFile: join(dir.path, 'log'), onLine })
}

const demo = (...args: readonly string[]) => start(process.execPath, [MAIN, 'demo', ...args])

/** The ports in `serving the primary on 5000 and the replicas on 5001`. */
async function serving(child: Child): Promise<[number, number]> {
  // Lines of the router may follow it at once.
  const find = () => /^serving the primary on (\d+) and the replicas on (\d+) /m.exec(lines.join('\n'))
  await child.until('it serves', () => find() !== null, { timeoutMs: START_MS })
  const [, primary, replicas] = find() ?? []
  return [Number(primary), Number(replicas)]
}

test('serves without a terminal, says what to try, and leaves nothing behind after SIGINT', async () => {
  const child = await demo(...ANY_PORTS)
  const [primary, replicas] = await serving(child)
  const hints = lines.join('\n')
  assert.ok(hints.includes(`psql -h localhost -p ${primary} -U postgres`))
  assert.ok(hints.includes(`psql -h localhost -p ${replicas} -U postgres`))
  const socket = /status --socket (\S+)/.exec(hints)?.[1] ?? ''
  const status = await start(process.execPath, [MAIN, 'status', '--socket', socket, '--json'])
  assert.equal((await status.exited).code, 0)
  const [page = ''] = /http:\/\/127\.0\.0\.1:\d+\/(?= )/.exec(hints) ?? []
  assert.match(await (await fetch(page)).text(), /<title>pg1 OPEN - demo<\/title>/)
  assert.deepEqual(await sql(primary, 'SELECT 1 AS one'), [{ one: 1 }])
  const [, address = ''] = /(http:\/\/127\.0\.0\.1:\d+)\/switchover/.exec(hints) ?? []
  const asked = await fetch(`${address}/switchover`, { method: 'POST', body: '{"leader":"pg1","candidate":"pg3"}' })
  assert.deepEqual([asked.status, await asked.text()], [200, 'Successfully switched over to "pg3"'])
  await until('pg3 is the primary', () => lines.some((line) => line.includes('router: primary: pg3 OPEN')))
  // A statement that never ends does not keep it.
  const endless = sql(primary, 'SELECT 1, pg_sleep(3600)', { timeoutMs: 60_000 }).catch(() => null)
  assert.deepEqual(await child.stop({ signal: 'SIGINT', timeoutMs: 20_000 }), { code: 0, signal: null })
  await endless
  assert.deepEqual(readdirSync(join(dir.path, 'tmp')), [])
  assert.ok(![primary, replicas].some((port) => listens(port)))
})

test('draws on a terminal, takes keys, and gives the terminal back', async () => {
  const keys = `while ! grep -q primary: screen; do sleep 0.1; done; printf x; while ! grep -q 'is not a key' screen; do sleep 0.1; done; printf '?'; while ! grep -q 'ends the demo' screen; do sleep 0.1; done; printf s; while ! grep -q 'to pg2 requested' screen; do sleep 0.1; done; printf q; cat`
  const command = `exec ${process.execPath} ${MAIN} demo ${ANY_PORTS.join(' ')}`
  const pipeline = `touch screen; (${keys}) | script -qefc 'stty rows 24 cols 80; ${command}' screen`
  const child = await start('/bin/sh', ['-c', `(${pipeline}); echo exit $?`])
  await child.until('it has drawn', () => lines.some((line) => line.includes('primary:')), { timeoutMs: START_MS })
  await until('it has ended', () => lines.some((line) => /exit \d+$/.test(line)))
  const screen = lines.join('\n')
  assert.match(screen, /\x1b\[\?1049h/) // eslint-disable-line no-control-regex
  assert.match(screen, /"x" is not a key of the demo: press \? for help/)
  assert.match(screen, /PostgreSQL \d+\.\d+ \(PGlite/)
  assert.match(screen, /the leader crashes: sessions end/)
  assert.match(screen, /switchover from pg1 to pg2 requested/)
  assert.match(lines.at(-1) ?? '', /\x1b\[\?25h\x1b\[\?1049lexit 0$/) // eslint-disable-line no-control-regex
  assert.deepEqual(readdirSync(join(dir.path, 'tmp')), [])
})

test('draws on a terminal that does not know its size', async () => {
  const keys = `while ! grep -q primary: screen; do sleep 0.1; done; printf q; cat`
  const command = `exec ${process.execPath} ${MAIN} demo ${ANY_PORTS.join(' ')}`
  const pipeline = `touch screen; (${keys}) | script -qefc 'stty rows 0 cols 0; ${command}' screen`
  await start('/bin/sh', ['-c', `(${pipeline}); echo exit $?`])
  await until('it has ended', () => lines.some((line) => /exit \d+$/.test(line)), { timeoutMs: START_MS })
  assert.match(lines.at(-1) ?? '', /exit 0$/)
})

test('ends at once, and cleanly, when it is interrupted while it starts', async () => {
  const child = await demo(...ANY_PORTS)
  await child.until('it starts PostgreSQL', () => lines.some((line) => line.startsWith('starting PostgreSQL')))
  assert.deepEqual(await child.stop({ signal: 'SIGTERM', timeoutMs: 20_000 }), { code: 0, signal: null })
  assert.deepEqual(readdirSync(join(dir.path, 'tmp')), [])
})

test('ends when its output has no reader', async () => {
  const command = `${process.execPath} ${MAIN} demo --no-ui ${ANY_PORTS.join(' ')}`
  const child = await start('/bin/sh', ['-c', `(${command}; echo exit $? >&2) | head -1`])
  await until('it has ended', () => child.log() !== '')
  assert.equal(child.log(), 'exit 0\n')
  assert.deepEqual(readdirSync(join(dir.path, 'tmp')), [])
})

for (const [what, name, reason] of [
  ['is not there', 'nothing', 'cannot make a directory in .*/nothing \\(set TMPDIR to another place\\): .*'],
  ['is too long', 'x'.repeat(100), '.* \\(TMPDIR\\) is too long: .*at most 107 bytes.*'],
] as const)
  test(`says at once that the temporary directory ${what}`, async () => {
    const command = `TMPDIR=${join(dir.path, name)} exec ${process.execPath} ${MAIN} demo ${ANY_PORTS.join(' ')}`
    const child = await start('/bin/sh', ['-c', command])
    assert.equal((await child.exited).code, 1)
    assert.match(child.log(), new RegExp(`^patroni-router: .*${reason}\n$`))
  })

test('names the port that is in use, and what to do, before it loads anything', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' ? (address?.port ?? 0) : 0
  const child = await demo('--port', '0', '--replica-port', String(port))
  assert.equal((await child.exited).code, 1)
  assert.match(
    child.log(),
    new RegExp(`^patroni-router: port ${port} of 127.0.0.1 cannot be used: .*--replica-port 6001\\n$`),
  )
  assert.deepEqual(lines, [])
  server.close()
})
