/** The unmodified hatop of Debian on the admin socket: what it shows, and what its keys do. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { stringify } from 'yaml'
import { Hatop } from '../../support/clients/hatop.ts'
import { TempDir } from '../../support/files/temp.ts'
import { RouterProcess } from '../../support/router/process.ts'
import { until } from '../../support/until.ts'
import { FakeMember, SYSTEM_ID } from '../watcher/fake-member.ts'

/** As hatop selects them: the second listener is 3, its members are numbered by name. */
const REPLICAS = 3
const PG2 = 2

/** Describes a cluster in which pg1 leads and pg3 takes no reads. */
function describing(members: readonly FakeMember[]): string {
  const sections = members.map((member) => {
    const { conn_url, api_url } = JSON.parse(member.key()) as { readonly conn_url: string; readonly api_url: string }
    return [member.name, { conn_url, api_url, ...(member.name === 'pg3' ? { tags: { noloadbalance: true } } : {}) }]
  })
  return stringify({ leader: 'pg1', initialize: SYSTEM_ID, members: Object.fromEntries(sections) as object })
}

describe('hatop', () => {
  let dir: TempDir
  let router: RouterProcess
  let hatop: Hatop
  const members: FakeMember[] = []

  before(async () => {
    dir = TempDir.create('hatop-router')
    const file = join(dir.path, 'cluster.yml')
    for (const name of ['pg1', 'pg2', 'pg3'])
      members.push(await FakeMember.start(name, name === 'pg1' ? 'primary' : 'replica'))
    writeFileSync(file, describing(members))
    router = await RouterProcess.start({ config: { scope: 'demo', file: { path: file } } })
    await until('both listeners have a member', async () => {
      const { clusters } = await router.status()
      return clusters[0]?.proxy?.listeners.every(({ members }) => members.some(({ usable }) => usable))
    })
    hatop = await Hatop.start(router.socketPath)
  })
  after(async () => {
    await hatop.stop()
    await router[Symbol.asyncDispose]()
    for (const member of members) await member[Symbol.asyncDispose]()
    await dir.remove()
  })

  const state = (proxy: string, service: string): string => hatop.row(proxy, service)[2] ?? ''

  /** What `status --json` says of the override of pg2. */
  async function override(): Promise<unknown> {
    const { clusters } = await router.status()
    return clusters[0]?.members.find(({ name }) => name === 'pg2')?.override?.state ?? null
  }

  test('shows the router, its listeners as proxies and their members', async () => {
    await hatop.until('all rows', />>> replicas(?:.*\n)+BACKEND/)
    assert.match(hatop.screen, new RegExp(`patroni-router Version: .* PID: ${router.process.pid}`))
    assert.match(hatop.screen, /Proxies: +2 +Services: +10/)
    assert.deepEqual(
      ['pg1', 'pg2', 'pg3'].map((name) => [state('primary', name), state('replicas', name)]),
      [
        ['UP', 'DOWN'],
        ['DOWN', 'UP'],
        ['DOWN', 'DOWN'],
      ],
    )
  })

  test('has its other screens', async () => {
    hatop.press('2')
    await hatop.until('traffic', /NAME .* BIN +BOUT/)
    hatop.press('4')
    await hatop.until('errors', /NAME .* ECONN/)
    hatop.press('1')
    await hatop.until('the first screen', /NAME .* SCUR/)
  })

  test('F10 puts the selected member into maintenance in all backends, and F9 ends it', async () => {
    await hatop.select(REPLICAS, PG2)
    hatop.press('F10')
    await hatop.until('maintenance', /^pg2 +1 MAINT(?:.*\n)+pg2 +1 MAINT/m)
    assert.equal(state('replicas', 'BACKEND'), 'DOWN')
    assert.equal(await override(), 'maint')
    hatop.press('F9')
    await hatop.until('no maintenance', /^pg2 +1 DOWN(?:.*\n)+pg2 +1 UP/m)
    assert.equal(state('replicas', 'BACKEND'), 'UP')
    assert.equal(await override(), null)
  })

  test('a command that is typed drains a member, and F1 ends it', async () => {
    hatop.press('5')
    await hatop.until('the command line', /interactive HAProxy shell/)
    hatop.type('set server replicas/pg2 state drain')
    await hatop.until('the command', /> set server replicas\/pg2 state drain/)
    hatop.press('Enter', 'M-1')
    await hatop.until('draining', /^pg2 +1 DRAIN(?:.*\n)+pg2 +1 DRAIN/m)
    assert.equal(await override(), 'drain')
    hatop.press('F1')
    await hatop.until('not draining', /^pg2 +1 DOWN(?:.*\n)+pg2 +1 UP/m)
    assert.equal(await override(), null)
  })

  test('a key that changes a weight is refused by name, and its user can leave', async () => {
    hatop.press('F7', '5')
    await hatop.until('the answer', /Weights are not supported/)
    hatop.press('M-1')
    await hatop.until('the first screen', /NAME .* SCUR/)
    assert.deepEqual(await hatop.quit(), { status: '0', errors: '' })
  })
})
