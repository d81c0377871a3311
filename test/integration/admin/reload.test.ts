import assert from 'node:assert/strict'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import { askReload } from '../../../src/admin/client.ts'
import { reloadCommands } from '../../../src/admin/reload.ts'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import type { ConfigurationStatus } from '../../../src/admin/status.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { askRunning } from '../../../src/cli/running-router.ts'
import type { ReloadReport } from '../../../src/reload.ts'
import { TempDir } from '../../support/files/temp.ts'
import { FakeIo } from '../../support/router/fake-io.ts'
import { until } from '../../support/until.ts'
import { NOW, sampleReload, sampleStatus } from '../../unit/admin/sample.ts'
import { Dialogue } from './dialogue.ts'

const REFUSED = sampleReload({ outcome: 'refused', refusedBy: 'router', problems: ['admin: no'], changes: [] })
const options = { timeoutMs: 5000, signal: new AbortController().signal }

describe('the admin socket', () => {
  let dir: TempDir
  let path: string
  let socket: AdminSocket
  let report: ReloadReport
  let reloads: number
  /** What a reload waits for. */
  let held: Promise<void>

  beforeEach(async () => {
    dir = TempDir.create('reload')
    path = join(dir.path, 'admin.sock')
    reloads = 0
    report = sampleReload()
    held = Promise.resolve()
    const router = {
      reload: async () => {
        reloads++
        await held
        return report
      },
      preview: () => Promise.resolve(report),
    }
    const last: ConfigurationStatus = {
      ...{ file: join(dir.path, 'config.yml'), loadedAt: NOW, reloads: 0, refusals: 0 },
      ...{ differsSince: null, problems: [], lastReload: null },
    }
    const status = () => ({ ...sampleStatus(), configuration: last })
    const commands = [...showCommands(status), ...reloadCommands(router)]
    socket = new AdminSocket({ path, commands, log: pino({ level: 'silent' }), idleTimeoutMs: 100 })
    await socket.start()
  })
  afterEach(async () => {
    await socket.close()
    await dir.remove()
  })

  test('answers reload as the master of HAProxy does', async () => {
    using done = new Dialogue(path).send('reload\n')
    const said = 'reloaded /etc/patroni-router/config.yml in 240 ms, changed:\n  proxy.check.interval: 1s -> 2s\n'
    assert.equal(await done.toEnd(), `Success=1\n--\n${said}ends no session\n\n`)
    report = REFUSED
    using refused = new Dialogue(path).send('reload\n')
    const last = 'patroni-router: not reloaded: the previous configuration stays in force\n\n'
    assert.equal(await refused.toEnd(), `Success=0\n--\nadmin: no\n${last}`)
  })

  test('answers show reload with what would change, and reloads nothing', async () => {
    using client = new Dialogue(path).send('show reload\n')
    const said = 'would change:\n  proxy.check.interval: 1s -> 2s\nwould end no session\n\n'
    assert.equal(await client.toEnd(), said)
    const { at, ...shown } = await askReload(path, 'show reload', options)
    assert.ok(Date.parse(at) > 0)
    assert.deepEqual(shown, report)
    assert.equal(reloads, 0)
  })

  test('waits for a reload that takes longer than a connection may be idle', async () => {
    const done = Promise.withResolvers<undefined>()
    held = done.promise
    const answer = askReload(path, 'reload', options)
    using idle = new Dialogue(path)
    await until('an idle connection is closed', () => idle.ended)
    done.resolve(undefined)
    assert.equal((await answer).outcome, 'applied')
  })

  test('ends no reload with the client that has requested it', async () => {
    const done = Promise.withResolvers<undefined>()
    held = done.promise
    const io = new FakeIo()
    const exit = runProgram(['reload', '--socket', path], io)
    await until('the reload has begun', () => reloads === 1)
    io.send('SIGINT')
    assert.equal(await exit, 1)
    assert.equal(io.stderr, 'patroni-router: interrupted; a reload that was begun continues\n')
    assert.equal(io.listening, 0)
    done.resolve(undefined)
    assert.equal((await askReload(path, 'reload', options)).outcome, 'applied')
  })

  test('does not wait for a reload when it is closed', async () => {
    held = new Promise(() => undefined)
    const answer = assert.rejects(askReload(path, 'reload', options), { code: 'ADMIN_UNAVAILABLE' })
    await until('the reload has begun', () => reloads === 1)
    await socket.close()
    await answer
  })

  test('of a router without the command is an error with the remedy', async () => {
    await socket.close()
    socket = new AdminSocket({ path, commands: showCommands(sampleStatus), log: pino({ level: 'silent' }) })
    await socket.start()
    const message = `the router on ${path} cannot reload: it does not have that command: restart it with this version`
    await assert.rejects(askReload(path, 'reload', options), { code: 'ADMIN_UNAVAILABLE', message })
  })

  test('is found at the default path when the file was edited to name another, if that router reads the file', async () => {
    const request = { command: 'reload', isNamed: false, signal: options.signal, fallback: path } as const
    const socket = join(dir.path, 'new.sock')
    const file = join(dir.path, 'config.yml')
    assert.equal((await askRunning({ ...request, socket, file })).outcome, 'applied')
    assert.equal((await askRunning({ ...request, socket: null, file })).outcome, 'applied')
    assert.equal(reloads, 2)
    const remedy = /if admin\.socket was just changed, name the socket before with --socket PATH$/
    const other = join(dir.path, 'other.yml')
    for (const each of [{ file: other }, { file: null }, { file, fallback: join(dir.path, 'nowhere.sock') }])
      await assert.rejects(askRunning({ ...request, socket, ...each }), { code: 'ADMIN_UNAVAILABLE', message: remedy })
    await assert.rejects(askRunning({ ...request, socket, file, isNamed: true }), { code: 'ADMIN_UNAVAILABLE' })
    assert.equal(reloads, 2)
  })
})
