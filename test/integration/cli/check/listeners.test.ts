/** `check` of addresses that are in use, by a router that runs and by another process. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { check } from '../../../../src/cli/check/check.ts'
import { RouterProcess } from '../../../support/router/process.ts'
import { TempDir } from '../../../support/files/temp.ts'
import { FakeIo } from '../../../support/router/fake-io.ts'

const at = (bind: string): object => ({ listeners: { one: { bind, route: 'any' } } })
const DCS = { scope: 'demo', etcd3: { hosts: '127.0.0.1:1' } }

test('the ports and the socket of the router that runs are left alone, and are in use for another one', async () => {
  await using dir = TempDir.create('check-listeners')
  const socket = join(dir.path, 'db.sock')
  const listeners = { local: { bind: socket, route: 'primary' } }
  await using router = await RouterProcess.start({ config: { ...DCS, proxy: { listeners } } })
  const own = new FakeIo()
  assert.equal(await check({ config: router.configFile }, own), 0, own.stderr)
  assert.equal(own.stderr, '')
  assert.equal(own.stdout.match(/held by the router that runs/g)?.length, 2)
  const file = join(dir.path, 'other.yml')
  const port = router.primaryPort
  const binds = [`:${port}`, `127.0.0.1:${port}`, socket]
  for (const bind of binds) {
    const admin = { socket: join(dir.path, 'other.sock') }
    writeFileSync(file, JSON.stringify({ ...DCS, admin, proxy: { listeners: { one: { bind, route: 'any' } } } }))
    const other = new FakeIo()
    assert.equal(await check({ config: file }, other), 2, bind)
    assert.match(other.stderr, /^proxy\.listeners\.one\.bind: .*: (the port is in use by|another process)/)
    const start = new FakeIo()
    assert.equal(await check({ config: file, startup: true }, start), 0, bind)
  }
  // Another address of the same port is another matter: of a second process it is none of the router's.
  writeFileSync(file, JSON.stringify({ ...DCS, admin: { socket: router.socketPath }, proxy: at(`127.0.0.2:${port}`) }))
  assert.equal(await check({ config: file }, new FakeIo()), 0)
  {
    await using stranger = createServer().listen(port, '127.0.0.2')
    await once(stranger, 'listening')
    const other = new FakeIo()
    assert.equal(await check({ config: file }, other), 2)
    assert.match(other.stderr, /^proxy\.listeners\.one\.bind: 127\.0\.0\.2:\d+: the port is in use by another process/)
  }
  writeFileSync(file, JSON.stringify({ ...DCS, admin: { socket: router.socketPath }, proxy: at(`:${port}`) }))
  const wider = new FakeIo()
  assert.equal(await check({ config: file }, wider), 0)
  assert.match(wider.stderr, /the router that runs holds 127\.0\.0\.1:\d+ of it, so the rest cannot be tried now/)
  const client = connect(port, '127.0.0.1')
  await new Promise((resolve, reject) => client.once('connect', resolve).once('error', reject))
  client.destroy()
})
