import assert from 'node:assert/strict'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'node:test'
import { Child } from '../../support/processes/child.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, STARTUP } from './support/messages.ts'
import { type FakeServer, type LogLine, Scene } from './support/scene.ts'
import { Wire } from './support/wire.ts'

let scene: Scene
let dir: TempDir
beforeEach(() => {
  scene = new Scene()
  dir = TempDir.create('starved')
})
afterEach(async () => {
  await scene.clear()
  await dir.remove()
})

async function starved(
  server: FakeServer,
  descriptors: number,
): Promise<{ child: Child; lines: LogLine[]; port: number }> {
  const lines: LogLine[] = []
  const script = join(import.meta.dirname, 'support', 'starved.ts')
  const command = `ulimit -n ${descriptors}; exec "$0" "$@"`
  const child = await Child.start('/bin/sh', ['-c', command, process.execPath, script, String(server.address.port)], {
    cwd: dir.path,
    logFile: join(dir.path, 'log'),
    onLine: (line) => void lines.push(JSON.parse(line) as LogLine),
  })
  await child.until('it listens', () => lines.some(({ event }) => event === 'listening'))
  const { address } = lines.find(({ event }) => event === 'listening') ?? {}
  return { child, lines, port: Number(String(address).split(':').at(-1)) }
}

test('a router that is out of file descriptors survives, blames no member and serves again afterwards', async () => {
  // As Postgres it hangs up with its client: sessions that had begun would keep their descriptors otherwise.
  const server = await scene.server(({ socket }) => {
    socket.once('data', () => socket.write(AUTH_OK)).once('end', () => socket.end())
  })
  const { child, lines, port } = await starved(server, 60)
  const flood: Socket[] = []
  try {
    for (let n = 0; n < 200; n++) {
      const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined)
      socket.write(STARTUP)
      flood.push(socket)
    }
    await until('it cannot dial any more', () =>
      lines.some(({ event, level }) => event === 'dial-trouble' && level === 50),
    )
    assert.equal(child.running, true)
    for (const socket of flood) socket.destroy()
    await until('it serves again', async () => {
      const client = await Wire.to(port)
      try {
        await client.send(STARTUP).got(AUTH_OK)
        return true
      } finally {
        client.socket.destroy()
      }
    })
    assert.equal(child.running, true, child.log())
    assert.deepEqual(
      lines.filter(({ event }) => event === 'dial-failed'),
      [],
    )
    const troubles = lines.filter(({ event }) => event === 'dial-trouble' || event === 'accept-trouble')
    assert.ok(troubles.length < 50, `${troubles.length} lines about it`)
  } finally {
    for (const socket of flood) socket.destroy()
    await child.stop()
  }
})
