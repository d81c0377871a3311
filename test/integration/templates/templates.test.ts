/** Templates in the real program, on a real etcd whose keys the test writes, with members that answer as it wants. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { clock, until } from '../../support/until.ts'
import { Scene } from './scene.ts'

const REPLICAS = '{{#each replicas}}\nserver {{name}} {{address}}\n{{/each}}\n'

describe('templates of a running router', () => {
  let scene: Scene

  before(async () => (scene = await Scene.create()))
  after(async () => scene[Symbol.asyncDispose]())
  beforeEach(async () => scene.reset())
  afterEach(async () => scene.stop())

  const tell = (file: string): string => `echo $(date +%s%N) $(cat {{destination}}) >> ${scene.path(file)}`

  test('begins to reload as soon as another leader is open for writes', async (t) => {
    const source = scene.write('leader.hbs', 'leader {{primary.name}}\n')
    const destination = scene.path('leader.cfg')
    await scene.run([{ source, destination, debounce: { min: '20ms' }, reload: tell('leaders') }])
    await scene.until(destination, 'in-sync')
    const begun: number[] = []
    for (let change = 1; change <= 50; change++) {
      // Longer than the distance between two passes.
      await sleep(30)
      const name = change % 2 === 0 ? 'pg0' : 'pg1'
      begun.push(clock())
      await scene.lead(name)
      await until(`${name} is loaded`, () => scene.lines('leaders')[change]?.endsWith(name), { everyMs: 2 })
    }
    await scene.until(destination, 'in-sync')
    const reloads = scene.logged('reloaded').slice(1)
    const took = reloads.map(({ time, durationMs }, index) => time - Number(durationMs) - (begun[index] ?? 0))
    const sorted = took.toSorted((a, b) => a - b)
    const at = (share: number): string => `${sorted[Math.ceil(sorted.length * share) - 1]?.toFixed(0)} ms`
    t.diagnostic(`from the change of the leader to its reload: p50 ${at(0.5)}, p90 ${at(0.9)}, p99 ${at(0.99)}`)
    assert.ok((sorted.at(-1) ?? Infinity) < 5000)
    // Each of them once, and none in between.
    assert.deepEqual([scene.lines('leaders').length, took.length], [51, 50])
  })

  test('renders nothing in the normal churn of Patroni, but for a template that reads the lag', async () => {
    const templates = [
      { source: scene.write('churn.hbs', REPLICAS), destination: scene.path('churn.cfg') },
      {
        source: scene.write('lag.hbs', '{{#each replicas}}\n{{name}} {{default lag 0}}\n{{/each}}\n'),
        destination: scene.path('lag.cfg'),
      },
    ]
    await scene.run(templates.map((template) => ({ ...template, reload: `echo >> {{destination}}.reloads` })))
    const counts = async () => {
      const {
        templates: [churn],
        reload,
      } = await scene.group(scene.path('churn.cfg'))
      return [churn?.renders, reload?.runs]
    }
    await until('both replicas are written', () => scene.lines('churn.cfg').length === 2)
    for (const { destination } of templates) await scene.until(destination, 'in-sync')
    const before = await counts()
    for (let loop = 1; loop <= 20; loop++) {
      scene.member('pg0').position = 100 + loop * 1000
      for (const { name } of scene.members) await scene.tick(name, 100 + loop * 1000)
      await sleep(20)
    }
    await until('the lag is written', () => scene.lines('lag.cfg').includes('pg1 20000'))
    assert.deepEqual(await counts(), before)
    const lag = await scene.group(scene.path('lag.cfg'))
    assert.ok((lag.templates[0]?.renders ?? 0) > 1)
  })

  test('makes of 200 changes in 2 s as few reloads as the debounce says, and the last state is in the file', async () => {
    const source = scene.write('many.hbs', "n {{getv '/n'}}\n")
    const destination = scene.path('many.cfg')
    const etcd = scene.etcd.client
    await etcd.put('/myapp/n', 'first')
    const debounce = { min: '200ms', max: '700ms' }
    await scene.run([{ source, destination, prefix: '/myapp', keys: ['/'], debounce, reload: tell('many') }])
    await scene.until(destination, 'in-sync')
    const begun = clock()
    for (let n = 1; n <= 200; n++) {
      await etcd.put('/myapp/n', `${n}`)
      await sleep(Math.max(0, begun + n * 10 - clock()))
    }
    const tookMs = clock() - begun
    await until('the last one is loaded', () => scene.lines('many').at(-1)?.endsWith(' n 200'))
    assert.equal(scene.read('many.cfg'), 'n 200\n')
    const reloads = scene.lines('many').length - 1
    assert.ok(reloads <= Math.ceil(tookMs / 700) + 1, `${reloads} reloads in ${tookMs} ms`)
  })

  test('repeats a reload that has failed three times, with a SIGKILL in between, exactly once', async () => {
    const source = scene.write('owed.hbs', 'leader {{leader.name}}\n')
    const destination = scene.path('owed.cfg')
    const tries = scene.path('tries')
    const router = await scene.run([
      { source, destination, reload: `echo try >> ${tries}; test $(wc -l < ${tries}) -gt 3` },
    ])
    await until('it has failed twice', () => scene.lines('tries').length === 2)
    assert.equal(scene.read('owed.cfg'), 'leader pg0\n')
    assert.equal((await scene.group(destination)).reload?.pending, true)
    await router.stop({ signal: 'SIGKILL' })
    await router.start()
    const { reload } = await scene.until(destination, 'in-sync')
    assert.equal(reload?.pending, false)
    assert.equal(scene.read('owed.cfg'), 'leader pg0\n')
    assert.ok(scene.lines('tries').length <= 5, `${scene.lines('tries').length} tries`)
    await router.stop()
    await router.start()
    assert.equal((await scene.until(destination, 'in-sync')).reload?.runs, 0)
  })

  test('keeps the trouble of one group from all others, and says what it is in the log and the status', async () => {
    const text = scene.write('same.hbs', 'leader {{leader.name}}\n')
    const old = 'as it was\n'
    const of = (name: string, rest: object = {}) => ({ source: text, destination: scene.path(`${name}.cfg`), ...rest })
    for (const name of ['unchecked', 'first', 'second', 'broken', 'kept']) scene.write(`${name}.cfg`, old)
    const reload = `echo $PATRONI_ROUTER_DESTINATION >> ${scene.path('reloaded')}`
    await scene.run([
      of('hangs', { reload: `echo $$ >> ${scene.path('hanging')}; sleep 60`, timeout: '1s' }),
      of('unchecked', { reload, check: 'echo syntax error; false {{staged}}' }),
      of('first', { reload, reload_group: 'pair', check: 'true {{staged}}' }),
      of('second', { reload_group: 'pair', check: 'false {{staged}}' }),
      of('broken', { reload, source: scene.write('broken.hbs', 'x\n{{#each replica}}{{/each}}\n') }),
      of('kept', { reload, source: scene.write('kept.hbs', '{{#each sync_standbys}}\n{{name}}\n{{/each}}\n') }),
      of('owned', { reload, owner: 'no-such-user' }),
      of('fine', { reload }),
    ])
    const states: Record<string, RegExp> = {
      unchecked: /^the check of .* exited with 1/,
      broken: /broken\.hbs:2:\d+: .*replica/,
      owned: /there is no user no-such-user/,
      hangs: /^the reload .*it did not end within 1s/,
    }
    await scene.until(scene.path('fine.cfg'), 'in-sync')
    for (const [name, reason] of Object.entries(states)) {
      const group = await scene.until(scene.path(`${name}.cfg`), 'failed')
      assert.match(group.reason, reason)
      assert.ok(group.retryAt !== null)
    }
    assert.match((await scene.until('pair', 'failed')).reason, /the check of .*second\.cfg exited with 1/)
    assert.match((await scene.until(scene.path('kept.cfg'), 'kept')).reason, /sync_standbys is empty/)
    for (const name of ['unchecked', 'first', 'second', 'broken', 'kept']) assert.equal(scene.read(`${name}.cfg`), old)
    assert.equal(scene.has('owned.cfg'), false)
    assert.deepEqual(scene.lines('reloaded'), [scene.path('fine.cfg')])
    // One that is tried again has one for a moment.
    await until('nothing is left', () => scene.leftovers().length === 0)
    const [unchecked] = await until('the failed check is logged', () => {
      const lines = scene.logged('check-failed').filter(({ group }) => group === scene.path('unchecked.cfg'))
      return lines.length > 0 && lines
    })
    assert.deepEqual([unchecked?.level, unchecked?.['output']], ['error', 'syntax error'])
    // A change of the leader goes on to reach those that are not in trouble.
    await scene.lead('pg1')
    await until('it is written', () => scene.read('fine.cfg') === 'leader pg1\n')
    assert.equal((await scene.router.stop()).code, 0)
    for (const pid of scene.lines('hanging')) assert.throws(() => process.kill(Number(pid), 0), { code: 'ESRCH' })
  })

  test('runs a hook once the file that it waits for is loaded', async () => {
    const source = scene.write('hooked.hbs', 'loaded {{primary.name}}\n')
    const destination = scene.path('hooked.cfg')
    const story = scene.path('story')
    const reload = `sleep 0.2; cat {{destination}} >> ${story}`
    const hooks = [{ on: 'open', after: destination, command: `echo open $PATRONI_ROUTER_MEMBER >> ${story}` }]
    await scene.run([{ source, destination, reload }], { hooks })
    for (const [index, name] of ['pg0', 'pg1'].entries()) {
      if (index > 0) await scene.lead(name)
      await until('the hook has run', () => scene.lines('story').includes(`open ${name}`))
      assert.deepEqual(scene.lines('story').slice(-2), [`loaded ${name}`, `open ${name}`])
    }
    assert.equal((await scene.status()).templates?.hooks[0]?.primaryMember, 'pg1')
  })

  test('reads its templates again at SIGHUP, and restores changed files', async () => {
    const source = scene.write('again.hbs', 'leader {{leader.name}}\n')
    const destination = scene.path('again.cfg')
    const router = await scene.run([{ source, destination, interval: '1h', reload: tell('again') }])
    await scene.until(destination, 'in-sync')
    scene.write('again.hbs', 'new {{leader.name}}\n')
    router.reload()
    await until('the new template counts', () => scene.read('again.cfg') === 'new pg0\n')
    await until('it is loaded', () => scene.lines('again').length === 2)
    await scene.until(destination, 'in-sync')
    scene.write('again.cfg', 'by hand\n')
    router.reload()
    await until('the file is restored', () => scene.read('again.cfg') === 'new pg0\n')
    await until('both reloads are logged', () => scene.logged('config-unchanged').length === 2)
  })

  test('writes nothing before the DCS has been read, and then all at once', async () => {
    const source = scene.write('first.hbs', `leader {{primary.name}}\n${REPLICAS}`)
    const destination = scene.path('first-read.cfg')
    scene.etcd.server.freeze()
    try {
      await scene.run([{ source, destination, reload: tell('first') }], { state_dir: scene.path('other-state') })
      const isTold = async (): Promise<boolean> => /DCS has not been read/.test((await scene.group(destination)).reason)
      await until('it is told what is waited for', isTold)
      assert.equal(scene.has('first-read.cfg'), false)
    } finally {
      scene.etcd.server.thaw()
    }
    await scene.until(destination, 'in-sync')
    assert.equal(scene.lines('first-read.cfg').length, 3)
    assert.equal(scene.lines('first').length, 1)
  })

  test('writes without a DCS the state that members kept by an earlier run confirm', async () => {
    const source = scene.write('kept-cluster.hbs', 'leader {{primary.name}}\n')
    const destination = scene.path('kept-cluster.cfg')
    const router = await scene.run([{ source, destination }])
    await scene.until(destination, 'in-sync')
    await router.stop()
    rmSync(destination)
    scene.etcd.server.freeze()
    try {
      await router.start()
      await scene.until(destination, 'in-sync')
      assert.equal((await scene.status()).clusters[0]?.dcs.state, 'unread')
      assert.equal(scene.read('kept-cluster.cfg'), 'leader pg0\n')
    } finally {
      scene.etcd.server.thaw()
    }
  })
})
