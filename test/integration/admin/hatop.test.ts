/** The unmodified hatop of Debian on the admin socket: what it shows, and what its keys do. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { pino } from 'pino'
import { haproxyCommands } from '../../../src/admin/haproxy/commands.ts'
import { showCommands } from '../../../src/admin/show.ts'
import { AdminSocket } from '../../../src/admin/socket.ts'
import { Hatop } from '../../support/clients/hatop.ts'
import { TempDir } from '../../support/files/temp.ts'
import { haproxyStatus, OverridingActs } from '../../unit/admin/haproxy/sample.ts'

/** As hatop selects them: the second listener is 3, its members are numbered by name. */
const REPLICAS = 3
const PG2 = 2

describe('hatop', () => {
  let dir: TempDir
  let socket: AdminSocket
  let hatop: Hatop
  const acts = new OverridingActs()

  before(async () => {
    dir = TempDir.create('hatop-router')
    const path = join(dir.path, 'run', 'admin.sock')
    const status = () => haproxyStatus(acts.overrides)
    const commands = [...showCommands(status), ...haproxyCommands(status, acts)]
    socket = new AdminSocket({ path, commands, log: pino({ level: 'silent' }) })
    await socket.start()
    hatop = await Hatop.start(path)
  })
  after(async () => {
    await hatop.stop()
    await socket.close()
    await dir.remove()
  })

  const state = (proxy: string, service: string): string => hatop.row(proxy, service).slice(2, 4).join(' ')

  test('shows the router, its listeners as proxies and their members with their checks', async () => {
    await hatop.until('all rows', />>> replicas(?:.*\n)+BACKEND/)
    assert.match(hatop.screen, /patroni-router Version: 0\.1\.0 .* PID: 4711/)
    assert.match(hatop.screen, /Node: lb1 \(uptime 1d 3h46m40s\)/)
    assert.match(hatop.screen, /Proxies: +2 +Services: +10/)
    assert.deepEqual(
      ['pg1', 'pg2', 'pg3'].map((name) => [state('primary', name), state('replicas', name)]),
      [
        ['UP L7OK', 'DOWN L7STS'],
        ['DOWN L7STS', 'UP L7OK'],
        ['DOWN L4CON', 'DOWN L4CON'],
      ],
    )
    // Held, the most that were held, sessions, the most, no limit, all since the start.
    assert.deepEqual(hatop.row('primary', 'BACKEND').slice(-6), ['3', '7', '12', '20', '0', '100'])
  })

  test('shows bytes and rates, and failed connects, on its other screens', async () => {
    hatop.press('2')
    await hatop.until('traffic', /NAME .* BIN +BOUT/)
    assert.match(hatop.screen, /^pg1 .*\b1000B? +4\.88K/m)
    hatop.press('4')
    await hatop.until('errors', /NAME .* ECONN/)
    assert.match(hatop.screen, /^pg1 +1 UP +L7OK +5 +0 +1m +4 /m)
    hatop.press('1')
    await hatop.until('the first screen', /NAME .* SCUR/)
  })

  test('F10 puts the selected member into maintenance in all backends, and F9 ends it', async () => {
    await hatop.select(REPLICAS, PG2)
    hatop.press('F10')
    await hatop.until('maintenance', /^pg2 +1 MAINT(?:.*\n)+pg2 +1 MAINT/m)
    assert.deepEqual(acts.calls.at(-1), [
      'setMember',
      { cluster: 'demo', member: 'pg2' },
      'maint',
      null,
      'admin socket',
    ])
    assert.equal(hatop.row('replicas', 'BACKEND')[2], 'DOWN')
    hatop.press('F9')
    await hatop.until('no maintenance', /^pg2 +1 DOWN(?:.*\n)+pg2 +1 UP/m)
    assert.equal(hatop.row('replicas', 'BACKEND')[2], 'UP')
  })

  test('a command that is typed drains a member, and F1 ends it', async () => {
    hatop.press('5')
    await hatop.until('the command line', /interactive HAProxy shell/)
    hatop.type('set server replicas/pg2 state drain')
    await hatop.until('the command', /> set server replicas\/pg2 state drain/)
    hatop.press('Enter', 'M-1')
    await hatop.until('draining', /^pg2 +1 DRAIN +L7OK(?:.*\n)+pg2 +1 DRAIN/m)
    hatop.press('F1')
    await hatop.until('not draining', /^pg2 +1 DOWN(?:.*\n)+pg2 +1 UP/m)
  })

  test('a key that changes a weight is refused by name, and its user can leave', async () => {
    hatop.press('F7', '5')
    await hatop.until('the answer', /Weights are not supported/)
    hatop.press('M-1')
    await hatop.until('the first screen', /NAME .* SCUR/)
    assert.deepEqual(await hatop.quit(), { status: '0', errors: '' })
  })
})
