/** The log on its way out of the process: the connection log beside it, and a reader that does not keep up. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { closeSync, constants, createReadStream, openSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { stringify } from 'yaml'
import { statusSchema } from '../../../src/admin/status/schema.ts'
import { openLog } from '../../../src/cli/log.ts'
import { TempDir } from '../../support/files/temp.ts'
import { freePort, listens } from '../../support/net/ports.ts'
import { Child } from '../../support/processes/child.ts'
import { RouterProcess, runMain } from '../../support/router/process.ts'
import { until } from '../../support/until.ts'
import { FakeMember } from '../watcher/fake-member.ts'
import { STARTUP } from '../proxy/support/messages.ts'
import { Wire } from '../proxy/support/wire.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')
const IO = { columns: () => null, env: {} }

type Line = Readonly<Record<string, unknown>>

/** A named pipe that is open for reading and writing, so that a writer fills it while it is not read. */
function fifo(dir: TempDir): { readonly path: string; readonly fd: number } {
  const path = join(dir.path, 'log.fifo')
  execFileSync('mkfifo', [path])
  return { path, fd: openSync(path, constants.O_RDWR) }
}

/** Reads lines from now on. */
function linesOf(path: string, stack: DisposableStack): Line[] {
  const lines: Line[] = []
  const stream = createReadStream(path)
  createInterface({ input: stream }).on('line', (line) => lines.push(JSON.parse(line) as Line))
  stack.defer(() => stream.destroy())
  return lines
}

test('lines that a blocked reader does not take are dropped, counted exactly and reported when it reads again', async () => {
  await using dir = TempDir.create('log')
  using stack = new DisposableStack()
  const { path, fd } = fifo(dir)
  const recorded: Line[] = []
  const record = (line: string): void => void recorded.push(JSON.parse(line) as Line)
  const { log, output, close } = openLog({ level: 'warn', format: 'json' }, IO, record, { fd, maxBacklog: 50_000 })
  const count = 3000
  for (let n = 0; n < (count * 2) / 3; n++) {
    if (n % 2 === 0) log.warn({ event: 'a', n }, 'one of many lines of the log')
    else
      output.writeConnections(
        [n, n].map((at) => ({ at, fields: { event: 'connection', at }, message: 'one of many connections' })),
      )
  }
  assert.ok(output.dropped() > 0)
  const lines = linesOf(path, stack)
  await until('the loss is reported', () => lines.some(({ event }) => event === 'log-dropped'))
  const dropped = output.dropped()
  const [report] = lines.filter(({ event }) => event === 'log-dropped')
  assert.equal(lines.length - 1 + dropped, count)
  assert.deepEqual([report?.['level'], report?.['lines']], ['warn', dropped])
  assert.equal(report?.['msg'], `${dropped} lines of the log were dropped: its reader did not keep up`)
  // Lines of connections have the level and the time of their own.
  const connection = lines.find(({ event }) => event === 'connection')
  assert.deepEqual([connection?.['level'], connection?.['time']], ['info', '1970-01-01T00:00:00.001Z'])
  // They are no events of the history.
  assert.deepEqual(new Set(recorded.map(({ event }) => event)), new Set(['a', 'log-dropped']))
  await close()
  output.writeConnections([{ at: 0, fields: { event: 'connection' }, message: 'after the end' }])
})

test('a router whose log blocks serves on, keeps its memory and shows how many lines it has dropped', async () => {
  await using dir = TempDir.create('log')
  using stack = new DisposableStack()
  await using member = await FakeMember.start('pg1', 'primary')
  member.cluster = { members: [member.entry('leader')] }
  const { path, fd } = fifo(dir)
  stack.defer(() => closeSync(fd))
  const [port, file, socket] = [await freePort(), join(dir.path, 'config.yml'), join(dir.path, 'admin.sock')]
  // Its name is in each line twice.
  const listener = 'primary-with-a-long-name-that-makes-each-line-of-the-log-longer'
  const config = {
    ...{ scope: 'demo', rest: { urls: [member.url] }, logging: { level: 'error', connections: true } },
    proxy: { listeners: { [listener]: { bind: `127.0.0.1:${port}`, route: 'primary' } } },
    admin: { socket, bind: 'off' },
  }
  writeFileSync(file, stringify(config))
  const router = await Child.start(
    '/bin/sh',
    ['-c', 'exec "$0" "$@" > log.fifo', process.execPath, MAIN, 'run', '-c', file],
    {
      ...{ cwd: dir.path, logFile: join(dir.path, 'router.log') },
    },
  )
  await router.until('it listens', () => listens(port))
  const session = async (): Promise<void> => {
    const client = (await Wire.to(port)).send(STARTUP)
    await client.over()
    assert.equal(client.received[0], 0x52)
    client.socket.destroy()
  }
  await until('it serves', () =>
    session().then(
      () => true,
      () => false,
    ),
  )
  const status = async () => statusSchema.parse(JSON.parse((await runMain('status', '--json', '-c', file)).stdout))
  const mebibytes = (): number =>
    Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${router.pid}/status`, 'utf8'))?.[1]) / 1024

  const leave = (many: number): Promise<unknown> =>
    Promise.all(
      Array.from({ length: many }, () => {
        const { promise, resolve } = Promise.withResolvers<undefined>()
        const client = connect({ port, host: '127.0.0.1' }, () => client.end())
        client.on('close', () => resolve(undefined)).resume()
        return promise
      }),
    )
  // Fills the pipe and 4 MiB.
  while ((await status()).log.dropped === 0) for (let n = 0; n < 40; n++) await leave(100)
  const full = mebibytes()
  for (let n = 0; n < 20; n++) await leave(100)
  await session()
  assert.ok(mebibytes() - full < 32, `${full} MiB, then ${mebibytes()} MiB`)
  const text = (await runMain('status', '-c', file)).stdout
  assert.match(text, /^ Log +\d+ lines dropped since the start: its reader did not keep up$/m)
  const accepted = (await status()).clusters[0]?.proxy?.totals.accepted ?? 0

  const lines = linesOf(path, stack)
  await until('all lines but the dropped ones are read', async () => {
    const { dropped } = (await status()).log
    const written = lines.filter(({ event }) => event === 'connection').length
    return dropped >= 2000 && written + dropped === accepted
  })
  await session()
  await until('the next session has its line', () => lines.at(-1)?.['reason'] === 'server-closed')
  router.signal('SIGTERM')
  assert.deepEqual(await router.exited, { code: 0, signal: null })
})

test('at any level, in text as in JSON, the connection log is there, and nothing of it where it is off', async () => {
  for (const connections of [true, false]) {
    await using router = await RouterProcess.start({
      config: {
        scope: 'demo',
        etcd3: { hosts: '127.0.0.1:1' },
        logging: { level: 'error', format: 'text', connections },
      },
    })
    const before = router.stray.length
    const client = await Wire.to(router.primaryPort)
    const { localPort } = client.socket
    client.socket.destroy()
    if (connections) await until('there is a line', () => router.stray.length > before)
    await router.stop()
    const lines = router.stray.filter((line) => line.includes(' clientPort='))
    assert.equal(lines.length > 0, connections)
    if (connections)
      assert.ok(
        lines.some(
          (line) =>
            line.includes(`INFO  primary: 127.0.0.1:${localPort}: client-closed after`) &&
            line.includes(' termination=CR'),
        ),
        lines.join('\n'),
      )
  }
})
