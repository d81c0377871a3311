import assert from 'node:assert/strict'
import { afterEach, beforeEach, mock, test } from 'node:test'
import type { Command, Report } from '../../../src/proxy/messages.ts'
import { RouteControl } from '../../../src/proxy/route-control.ts'
import { inProcess, type StartWorker } from '../../../src/proxy/worker.ts'
import { until } from '../../support/until.ts'
import { AUTH_OK, STARTUP } from './support/messages.ts'
import { PRIMARY, proxyConfig, Scene, tcp } from './support/scene.ts'
import { openView } from './support/views.ts'

let scene: Scene
beforeEach(() => {
  scene = new Scene()
})
afterEach(async () => {
  mock.restoreAll()
  await scene.clear()
})

const COMMANDS: Readonly<Record<Command['type'], true>> = {
  ...{ configure: true, listener: true, listen: true, view: true, names: true, hold: true, fence: true },
  ...{ stage: true, unstage: true, destroy: true, open: true, drain: true, report: true, close: true, pause: true },
  ...{ limit: true, 'list-sessions': true, 'close-sessions': true },
}
const REPORTS: Readonly<Record<Report['type'], true>> = {
  ...{ done: true, 'dial-failed': true, state: true, log: true, ended: true, sessions: true },
}

const failing = (): never => {
  throw new Error('injected')
}

/** The scene clones every message, both ways, and asserts that the clone is the same. */
test('all that passes between a proxy and its worker are messages, and each kind of them can be cloned', async () => {
  const sent = new Set<string>()
  const reported = new Set<string>()
  const recording: StartWorker = (report) => {
    const send = inProcess()((message) => {
      reported.add(message.type)
      report(message)
    })
    return (command) => {
      sent.add(command.type)
      send(command)
    }
  }
  const server = await scene.postgres()
  const rig = await scene.proxy({ trust: 'dcs' }, undefined, (host) => (host === 'stale' ? Infinity : 0), recording)
  rig.connectionLog.switch(true)
  const fence = mock.method(RouteControl.prototype, 'fence', failing)
  const open = mock.method(RouteControl.prototype, 'open', failing)
  const view = openView('pg1', server.address, 1)
  rig.proxy.apply({ ...view, primary: { ...view.primary, address: { host: 'stale', port: 5432 } } })
  await until('the opening has failed', () => sent.has('hold'))
  fence.mock.restore()
  open.mock.restore()
  rig.proxy.apply(openView('pg1', await scene.nobody(), 2))
  const client = (await scene.client(rig)).send(STARTUP)
  await until('a dial has failed', () => rig.failures.length > 0)
  rig.proxy.apply(openView('pg2', server.address, 3))
  await client.got(AUTH_OK)
  await rig.proxy.limit('primary', 1)
  assert.equal((await rig.proxy.sessions({}, 1)).total, 1)
  assert.equal(await rig.proxy.closeSessions({ member: 'pg1' }, 'alice'), 0)
  client.socket.resetAndDestroy()
  const elsewhere = { ...PRIMARY, binds: [...PRIMARY.binds, tcp('127.0.0.2')] }
  rig.proxy.hold(new Map([[PRIMARY.name, { by: 'alice', since: 0, until: 1 }]]))
  rig.proxy.hold(new Map())
  await rig.proxy.stage(proxyConfig({ listeners: [elsewhere] }), () => true)
  rig.proxy.unstage()
  await rig.proxy.drain()
  rig.proxy.close()
  assert.deepEqual(sent, new Set(Object.keys(COMMANDS)))
  assert.deepEqual(reported, new Set(Object.keys(REPORTS)))
})
