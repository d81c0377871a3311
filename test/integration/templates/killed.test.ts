/** The router is killed at each step of bringing a group of two into its files: what the next one makes of it. */
import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { until } from '../../support/until.ts'
import { Scene } from './scene.ts'
import { isRemoved } from './support/removed.ts'

const KILLER = join(import.meta.dirname, 'support/kill-at-step.ts')
/** Far more than there are. */
const MAX_STEPS = 60

let scene: Scene

before(async () => {
  scene = await Scene.create(['pg0', 'pg1'])
  await scene.reset()
  const template = (name: string) => ({
    source: scene.write(`${name}.hbs`, `${name} ${'{{leader.name}} '.repeat(1000)}\n`),
    destination: scene.path(`${name}.cfg`),
    check: `${killWhen('check')}; grep -q ^${name} {{staged}}`,
    reload_group: 'pair',
    debounce: { min: '20ms' },
  })
  const reload = `${killWhen('reload')}; cat ${scene.path('one.cfg')} ${scene.path('two.cfg')} > ${scene.path('loaded')}`
  const env = { NODE_OPTIONS: `--import=${KILLER}`, KILL_AT: scene.path('kill-at') }
  await scene.run([{ ...template('one'), reload }, template('two')], {}, env)
  await scene.until('pair', 'in-sync')
})
after(async () => scene[Symbol.asyncDispose]())

/** Once, when there is a file of that name. */
function killWhen(name: string): string {
  const flag = scene.path(`kill-in-${name}`)
  return `if rm ${flag} 2>/dev/null; then kill -9 $PPID; fi`
}

/** The texts for a leader. */
function texts(leader: string): string[] {
  return ['one', 'two'].map((name) => `${name} ${`${leader} `.repeat(1000)}\n`)
}

function files(): string[] {
  return [scene.read('one.cfg'), scene.read('two.cfg')]
}

/** Who leads, and who is to be next; nothing is loaded of that one. */
function leaders(): readonly [string, string] {
  rmSync(scene.path('loaded'), { force: true })
  return scene.read('one.cfg').includes('pg0') ? ['pg0', 'pg1'] : ['pg1', 'pg0']
}

/** The router is to be dead: each file is one of both, and the next router makes both the new ones, loaded. */
async function checkAfterDeath(step: string, old: string, leader: string): Promise<void> {
  await scene.router.process.exited
  files().forEach((text, index) => {
    assert.ok([texts(old)[index], texts(leader)[index]].includes(text), `${step}: file ${index} is neither`)
  })
  await scene.router.start()
  const isLoaded = (): boolean => scene.has('loaded') && scene.read('loaded') === texts(leader).join('')
  await until(`${step}: both files are written and loaded`, isLoaded)
  assert.deepEqual(files(), texts(leader))
  const { reload } = await scene.until('pair', 'in-sync')
  assert.equal(reload?.pending, false)
  assert.deepEqual(scene.leftovers(), [], step)
}

test('killed at any step with its files it leaves whole ones, and the next router brings both in place and reloads', async (t) => {
  let killed = 0
  let isKilled = true
  while (isKilled) {
    assert.ok(killed < MAX_STEPS)
    const [old, next] = leaders()
    scene.write('kill-at', `${killed + 1}`)
    await scene.lead(next)
    const isDone = async (): Promise<boolean> => scene.has('loaded') && (await scene.group('pair')).state === 'in-sync'
    await until('the end', async () => !scene.router.process.running || (await isDone()), { everyMs: 5 })
    // What it writes of the cluster may come later than its files.
    isKilled = !isRemoved(scene.path('kill-at'))
    if (isKilled) await checkAfterDeath(`step ${++killed}`, old, next)
  }
  t.diagnostic(`killed at each of ${killed} steps`)
  // Each file is written, synced, kept, replaced and its directory synced; the journal is written before.
  assert.ok(killed >= 12)
  // From the moment when the journal is there the next router has everything to complete it.
  assert.ok(scene.logged('commit-completed').length > 0)
})

for (const command of ['check', 'reload']) {
  test(`killed while its ${command} command runs, the next router brings both in place and reloads`, async () => {
    const [old, next] = leaders()
    scene.write(`kill-in-${command}`, '')
    await scene.lead(next)
    await checkAfterDeath(command, old, next)
  })
}
