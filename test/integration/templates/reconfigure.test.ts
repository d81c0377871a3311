/** Templates and hooks that take another configuration while they run: real files, real commands, views of the test's. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import type { HookConfig, TemplateConfig } from '../../../src/config/config.ts'
import { Lookups } from '../../../src/names/lookups.ts'
import type { GroupStatus } from '../../../src/templates/status.ts'
import { Templates, type TemplatesConfig } from '../../../src/templates/templates.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { TempDir } from '../../support/files/temp.ts'
import { signal } from '../../support/processes/signals.ts'
import { until } from '../../support/until.ts'
import { view } from '../../unit/watcher/sample.ts'

describe('another configuration', () => {
  let dir: TempDir
  let templates: Templates
  beforeEach(() => {
    dir = TempDir.create('reconfigure')
  })
  afterEach(async () => {
    await templates.close()
    await dir.remove()
  })

  const path = (name: string): string => join(dir.path, name)
  const read = (name: string): string => (existsSync(path(name)) ? readFileSync(path(name), 'utf8') : '')
  const apply = (changes: Partial<ClusterView> = {}): void => templates.apply(view(changes))
  const command = (text: string) => ({ command: text, timeoutMs: 10_000, env: {}, workingDir: dir.path })

  /** Writes `NAME.hbs` to NAME, and appends NAME to `reloads`. */
  function template(name: string, changes: Partial<TemplateConfig> = {}, text = 'scope {{scope}}\n'): TemplateConfig {
    const source = path(`${name}.hbs`)
    writeFileSync(source, text)
    return {
      ...{ subject: { kind: 'cluster', cluster: 'demo' }, source, destination: path(name) },
      ...{ owner: null, group: null, mode: null, check: null, reload: command(`echo ${name} >> reloads`) },
      ...{ debounce: { minMs: 5, maxMs: 20 }, intervalMs: 0, onEmpty: 'keep', backup: false },
      ...{ reloadGroup: null, prefix: '', keys: [], ...changes },
    }
  }

  function hook(name: string, text: string): HookConfig {
    return { name, cluster: 'demo', on: ['open', 'none'], after: null, run: command(text) }
  }

  function config(changes: Partial<TemplatesConfig>): TemplatesConfig {
    return { clusters: [{ name: 'demo' }], templates: [], hooks: [], stateDir: path('state'), ...changes }
  }

  function start(changes: Partial<TemplatesConfig>): void {
    templates = new Templates({
      ...{ config: config(changes), log: pino({ level: 'silent' }), env: process.env, pid: process.pid },
      ...{ lookups: new Lookups(), source: () => null, isAlive: () => true },
      signalGroup: (pid, name) => signal(-pid, name),
    })
    templates.start()
    apply()
  }

  function group(name: string): GroupStatus | undefined {
    return templates.status().groups.find((each) => each.name === path(name))
  }

  async function inSync(...names: readonly string[]): Promise<void> {
    await until(`${names.join()} are in sync`, () => names.every((name) => group(name)?.state === 'in-sync'))
  }

  test('leaves a group alone that is the same, ends one that is gone, begins one that is new', async () => {
    const [stays, goes] = [template('stays'), template('goes')]
    start({ templates: [stays, goes] })
    await inSync('stays', 'goes')
    const before = { status: group('stays'), ino: statSync(path('stays')).ino }
    // What is read is another object, and the same.
    const same = structuredClone(stays)
    assert.equal(templates.reconfigure(config({ templates: [template('comes'), same] })), true)
    await inSync('comes')
    assert.deepEqual(group('stays'), before.status)
    assert.equal(statSync(path('stays')).ino, before.ino)
    assert.equal(group('goes'), undefined)
    assert.deepEqual(read('reloads').trim().split('\n').toSorted(), ['comes', 'goes', 'stays'])
    apply({ scope: 'next' })
    await until('both are written', () => ['comes', 'stays'].every((name) => read(name) === 'scope next\n'))
    await inSync('comes', 'stays')
    assert.equal(read('goes'), 'scope demo\n')
  })

  test('is taken by a group that has changed, without a reload where no file does', async () => {
    start({ templates: [template('one'), template('two')] })
    await inSync('one', 'two')
    const [one, two] = [template('one', { intervalMs: 60_000 }), template('two', {}, 'other {{scope}}\n')]
    const source = path('other.hbs')
    writeFileSync(source, 'other {{scope}}\n')
    assert.equal(templates.reconfigure(config({ templates: [one, { ...two, source }] })), true)
    await until('the other source counts', () => read('two') === 'other demo\n')
    await inSync('one', 'two')
    assert.deepEqual(read('reloads').trim().split('\n').toSorted(), ['one', 'two', 'two'])
  })

  test('has one destination go from a group to another, once the first has let it go', async () => {
    start({ templates: [template('one', { check: command('sleep 60') })] })
    await until('the check runs', () => dir.processes().length > 0)
    const check = new Set(dir.processes())
    assert.equal(templates.reconfigure(config({ templates: [template('one', { reloadGroup: 'lb' })] })), true)
    await until('it is written', () => read('one') === 'scope demo\n')
    // The reload of the second group may be running already.
    assert.deepEqual(
      dir.processes().filter((pid) => check.has(pid)),
      [],
    )
    assert.deepEqual(
      templates.status().groups.map(({ name }) => name),
      ['lb'],
    )
  })

  test('waits for the reload that runs for a group, whatever happens meanwhile', async () => {
    execFileSync('mkfifo', [path('go')])
    const slow = { reload: command('echo begin >> runs; read line < go; echo end >> runs') }
    start({ templates: [template('slow', slow), template('other')] })
    await until('it runs', () => read('runs') === 'begin\n')
    await inSync('other')
    const changed = template('slow', { ...slow, intervalMs: 60_000, reload: command('echo changed >> runs') })
    assert.equal(templates.reconfigure(config({ templates: [changed, template('other')] })), true)
    apply({ scope: 'next' })
    templates.resync()
    await until('the other group has followed', () => read('other') === 'scope next\n')
    await inSync('other')
    assert.deepEqual([read('slow'), read('runs')], ['scope demo\n', 'begin\n'])
    writeFileSync(path('go'), '\n')
    await inSync('slow')
    assert.deepEqual([read('slow'), read('runs')], ['scope next\n', 'begin\nend\nchanged\n'])
  })

  for (const stateDir of ['state', null]) {
    test(`takes over the reload that a group owes, ${stateDir === null ? 'without' : 'with'} a state_dir`, async () => {
      const kept = { stateDir: stateDir === null ? null : path(stateDir) }
      start({ ...kept, templates: [template('one', { reload: command('echo failed >> reloads; false') })] })
      await until('it has failed', () => group('one')?.state === 'failed')
      assert.equal(templates.reconfigure(config({ ...kept, templates: [template('one')] })), true)
      await inSync('one')
      assert.match(read('reloads'), /^(failed\n)+one\n$/)
    })
  }

  test('has hooks that are new or have changed run for the next state of the primary, not for the one that is there', async () => {
    start({ hooks: [hook('a', 'echo old >> hooks')] })
    await until('it was run', () => read('hooks') === 'old\n')
    assert.equal(templates.reconfigure(config({ hooks: [hook('a', 'echo new >> hooks')] })), true)
    await until('it is there', () => templates.status().hooks.length === 1)
    apply()
    apply({ primary: { ...view().primary, state: 'none', member: null } })
    await until('it is run', () => read('hooks') !== 'old\n')
    assert.equal(read('hooks'), 'old\nnew\n')
    const before = templates.status().hooks
    assert.equal(templates.reconfigure(config({ hooks: [hook('a', 'echo new >> hooks')] })), true)
    assert.deepEqual(templates.status().hooks, before)
  })

  test('is the last of two that counts where a command of the first hooks has not ended yet', async () => {
    // It ends by itself, once it may.
    const slow = 'trap "" TERM; echo first >> hooks; until [ -e released ]; do sleep 0.02; done'
    start({ hooks: [hook('a', slow)] })
    await until('it is run', () => read('hooks') === 'first\n')
    const none = { primary: { ...view().primary, state: 'none', member: null } } as const
    for (const next of ['second', 'third'])
      assert.equal(templates.reconfigure(config({ hooks: [hook(next, `echo ${next} >> hooks`)] })), true)
    apply(none)
    const names = (): readonly string[] => templates.status().hooks.map(({ name }) => name)
    assert.deepEqual([names(), read('hooks')], [['third'], 'first\n'])
    writeFileSync(path('released'), '')
    await until('the last is run for what has come meanwhile', () => read('hooks') === 'first\nthird\n')
    apply()
    await until('it follows', () => read('hooks') === 'first\nthird\nthird\n')
    assert.deepEqual(names(), ['third'])
  })

  test('is shown in its order', async () => {
    const groups = ['one', 'two', 'three'].map((name) => template(name))
    const hooks = [hook('a', 'true'), { ...hook('b', 'true'), cluster: 'other' }, hook('c', 'true')]
    const clusters = [{ name: 'demo' }, { name: 'other' }]
    start({ clusters, templates: groups, hooks })
    await inSync('one', 'two', 'three')
    const shown = (): readonly string[] => {
      const status = templates.status()
      return [...status.groups, ...status.hooks].map(({ name }) => name)
    }
    const names = (of: TemplatesConfig): readonly string[] => [
      ...of.templates.map(({ destination }) => destination),
      ...of.hooks.map(({ name }) => name),
    ]
    const orders = [hooks, hooks.toReversed(), [hook('new', 'true'), ...hooks.slice(1)]].map((each, index) =>
      config({ clusters, hooks: each, templates: index === 1 ? groups.toReversed() : [template('new'), ...groups] }),
    )
    assert.deepEqual(shown(), names(config({ templates: groups, hooks })))
    for (const next of orders) {
      assert.equal(templates.reconfigure(next), true)
      assert.deepEqual(shown(), names(next))
    }
  })

  test('is refused for another state_dir and for other keys, and nothing changes', async () => {
    const one = template('one')
    start({ templates: [one] })
    await inSync('one')
    const before = templates.status()
    for (const next of [{ stateDir: null }, { templates: [one, template('two', { keys: ['/a'] })] }])
      assert.equal(templates.reconfigure(config({ templates: [one], ...next })), false)
    assert.deepEqual(templates.status(), before)
    await templates.close()
    assert.equal(templates.reconfigure(config({ templates: [one] })), false)
  })

  test('has clusters that come known to templates, and those that go no longer', async () => {
    const other = template('other', { subject: { kind: 'cluster', cluster: 'other' } })
    start({ templates: [template('one')] })
    await inSync('one')
    const clusters = [{ name: 'demo' }, { name: 'other' }]
    assert.equal(templates.reconfigure(config({ clusters, templates: [template('one'), other] })), true)
    apply({ name: 'other', scope: 'other' })
    await inSync('one', 'other')
    assert.equal(read('other'), 'scope other\n')
    assert.equal(templates.reconfigure(config({ templates: [template('one')] })), true)
    apply({ name: 'other', scope: 'late' })
    apply({ scope: 'next' })
    await until('it is written', () => read('one') === 'scope next\n')
    assert.equal(read('other'), 'scope other\n')
  })
})
