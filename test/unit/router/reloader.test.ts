import assert from 'node:assert/strict'
import { beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import type { Config } from '../../../src/config/config.ts'
import type { ConfigResult, LoadedConfig } from '../../../src/config/load.ts'
import { RouterError } from '../../../src/errors.ts'
import type { PartReport } from '../../../src/part.ts'
import { Reloader } from '../../../src/router/reloader.ts'
import { loadConfig } from '../../support/router/load-config.ts'

const HEAD = 'scope: demo\netcd3: {hosts: [a:1]}\n'
const FAULTY = `${HEAD}proxy: {check: {interval: soon, rise: 0}}\n`
const PROBLEMS = [
  '/r.yml:3:17: proxy.check.interval: "soon" is not a duration like 500ms, 3s, 1m30s or 2h',
  '/r.yml:3:33: proxy.check.rise: 0 is not a whole number of 1 or more',
]
const TAKEN: PartReport = { part: 'proxy', name: 'demo', outcome: 'reconfigured', reason: null }
const REFUSED: PartReport = { part: 'proxy', name: 'demo', outcome: 'refused', reason: '*:5000: address in use' }

function load(text: string): ConfigResult {
  return loadConfig({ file: '/r.yml', text, env: {} })
}

function loaded(text: string): LoadedConfig {
  const result = load(text)
  assert.ok(result.ok)
  return result
}

function withInterval(ms: number): string {
  return `${HEAD}proxy: {check: {interval: ${ms}ms}}\n`
}

/** A router that reads `text`, and what is done with it. */
class Scene {
  text = HEAD
  /** Another one is another file. */
  fingerprint = '1'
  read: () => Promise<ConfigResult> = () => Promise.resolve(load(this.text))
  apply: () => Promise<readonly PartReport[]> = () => Promise.resolve([TAKEN])
  /** What of other files cannot be used. */
  troubles: readonly string[] = []
  reads = 0
  readonly applied: Config[] = []
  readonly lines: { level: string; event: string; msg: string; problems?: string[] }[] = []
  readonly reloader: Reloader

  constructor(readMs = 10_000) {
    this.reloader = new Reloader({
      loaded: loaded(this.text),
      read: () => {
        this.reads++
        return this.read()
      },
      fingerprint: () => Promise.resolve(this.fingerprint),
      apply: (config) => {
        this.applied.push(config)
        return this.apply()
      },
      resync: () => Promise.resolve(this.troubles),
      preview: () => ({ endingSessions: 7 }),
      log: pino(
        { level: 'debug', formatters: { level: (level) => ({ level }) } },
        { write: (line) => this.lines.push(JSON.parse(line) as Scene['lines'][number]) },
      ),
      pace: { pauseMs: 0, readMs },
    })
  }

  edit(text: string): void {
    this.text = text
    this.fingerprint += '+'
  }

  /** Level and event of what has been logged since the last call. */
  logged(): readonly string[] {
    return this.lines.splice(0).map(({ level, event }) => `${level} ${event}`)
  }
}

describe('the reloader', () => {
  let scene: Scene
  let reloader: Reloader

  beforeEach(() => {
    scene = new Scene()
    ;({ reloader } = scene)
  })

  describe('a reload', () => {
    test('applies a configuration that differs, and says what has changed', async () => {
      scene.edit(withInterval(500))
      const { tookMs, ...report } = await reloader.reload()
      assert.ok(tookMs >= 0)
      assert.deepEqual(report, {
        ...{ outcome: 'applied', refusedBy: null, file: '/r.yml', problems: [], warnings: [] },
        ...{ changes: ['proxy.check.interval: 2s (default) -> 500ms'], endingSessions: 7 },
      })
      assert.deepEqual(
        scene.applied.map(({ clusters }) => clusters[0]?.proxy.check.intervalMs),
        [500],
      )
      const [line] = scene.lines
      const said =
        'configuration reloaded: proxy.check.interval: 2s (default) -> 500ms (ends 7 sessions, within drain_timeout)'
      assert.deepEqual([line?.level, line?.event, line?.msg], ['info', 'config-reloaded', said])
      const { reloads, refusals, differsSince, lastReload } = reloader.status()
      assert.deepEqual([reloads, refusals, differsSince, lastReload?.outcome], [1, 0, null, 'applied'])
    })

    test('reads other files of the configuration in force as well, and warns of them, also where it is refused', async () => {
      scene.troubles = ['HTTP: no act is possible']
      for (const [text, outcome] of [
        [HEAD, 'unchanged'],
        [withInterval(500), 'applied'],
        [FAULTY, 'refused'],
      ] as const) {
        scene.edit(text)
        const report = await reloader.reload()
        assert.deepEqual([report.outcome, report.warnings], [outcome, scene.troubles])
      }
    })

    test('applies nothing where nothing that counts differs', async () => {
      scene.edit(`# another remark\n${withInterval(2000)}`)
      const { outcome, changes, endingSessions } = await reloader.reload()
      assert.deepEqual([outcome, changes, endingSessions], ['unchanged', [], 0])
      assert.deepEqual(scene.applied, [])
      assert.deepEqual(scene.logged(), ['info config-unchanged'])
      assert.equal(reloader.status().reloads, 1)
    })

    test('compares with what was applied last', async () => {
      scene.edit(withInterval(500))
      await reloader.reload()
      scene.edit(withInterval(700))
      assert.deepEqual((await reloader.reload()).changes, ['proxy.check.interval: 500ms -> 700ms'])
      assert.equal((await reloader.reload()).outcome, 'unchanged')
    })

    test('changes nothing where the configuration is wrong, with all that is wrong', async () => {
      scene.edit(FAULTY)
      const { outcome, refusedBy, problems, changes } = await reloader.reload()
      assert.deepEqual([outcome, refusedBy, problems, changes], ['refused', 'configuration', PROBLEMS, []])
      assert.deepEqual(scene.applied, [])
      const status = reloader.status()
      assert.deepEqual([status.reloads, status.refusals, status.problems], [0, 1, PROBLEMS])
      assert.notEqual(status.differsSince, null)
      const [line] = scene.lines
      assert.equal(line?.msg, `configuration not reloaded, the previous one stays in force: ${PROBLEMS.join('; ')}`)
      assert.deepEqual(scene.lines[0]?.problems, PROBLEMS)
    })

    test('logs the same problems in full once, until they are others or have been corrected', async () => {
      const edits = [FAULTY, FAULTY, `# moved\n${FAULTY}`, HEAD, FAULTY]
      const logged: (readonly string[])[] = []
      for (const text of edits) {
        scene.edit(text)
        await reloader.reload()
        logged.push(scene.logged())
      }
      const [full, short, unchanged] = ['error config-refused', 'warn config-refused', 'info config-unchanged']
      assert.deepEqual(logged, [[full], [short], [full], [unchanged], [full]])
    })

    test('is refused where a part cannot take it, and is tried again with the next request', async () => {
      scene.edit(withInterval(500))
      scene.apply = () => Promise.resolve([{ ...REFUSED, part: 'watcher' }, REFUSED, { ...TAKEN, outcome: 'kept' }])
      const { outcome, refusedBy, problems } = await reloader.reload()
      assert.deepEqual([outcome, refusedBy, problems], ['refused', 'router', ['cluster demo: *:5000: address in use']])
      assert.deepEqual(reloader.status().problems, problems)
      scene.apply = () => Promise.resolve([TAKEN])
      assert.equal((await reloader.reload()).outcome, 'applied')
      assert.deepEqual([reloader.status().differsSince, reloader.status().problems], [null, []])
    })

    test('is refused where the file cannot be read', async () => {
      scene.read = () => Promise.reject(new RouterError('CONFIG_UNREADABLE', 'cannot read /r.yml: no such file'))
      const { outcome, refusedBy, problems } = await reloader.reload()
      assert.deepEqual(
        [outcome, refusedBy, problems],
        ['refused', 'configuration', ['cannot read /r.yml: no such file']],
      )
      assert.deepEqual(scene.logged(), ['error config-refused'])
    })

    test('that meets an error of the router is refused, and logged as one', async () => {
      scene.edit(withInterval(500))
      scene.apply = () => Promise.reject(new Error('a bug'))
      const { outcome, refusedBy, problems } = await reloader.reload()
      const said = ['an unexpected error, please report it: a bug']
      assert.deepEqual([outcome, refusedBy, problems], ['refused', 'router', said])
      assert.deepEqual(scene.logged(), ['error fault', 'error config-refused'])
      scene.read = () => Promise.reject(new TypeError('another bug'))
      assert.deepEqual((await reloader.reload()).problems, ['another bug'])
      assert.deepEqual(scene.logged(), ['error fault', 'error config-refused'])
      scene.read = () => Promise.resolve(load(scene.text))
      scene.apply = () => Promise.resolve([TAKEN])
      assert.equal((await reloader.reload()).outcome, 'applied')
    })

    test('is refused while the router ends', async () => {
      scene.edit(withInterval(500))
      scene.apply = () => Promise.resolve([])
      const ending = ['the router is shutting down']
      assert.deepEqual((await reloader.reload()).problems, ending)
      scene.apply = () => Promise.resolve([TAKEN])
      reloader.close()
      const { outcome, refusedBy, problems } = await reloader.reload()
      assert.deepEqual([outcome, refusedBy, problems], ['refused', 'router', ending])
      assert.equal(scene.applied.length, 1)
    })

    test('logs warnings that are new', async () => {
      const [one, two] = [`${HEAD}citus: {groop: 1}\n`, `${HEAD}citus: {groop: 1, datbase: x}\n`]
      for (const [text, events] of [
        [one, ['warn config-warning', 'info config-unchanged']],
        [one, ['info config-unchanged']],
        [two, ['warn config-warning', 'info config-unchanged']],
      ] as const) {
        scene.edit(text)
        const { warnings } = await reloader.reload()
        assert.equal(warnings.length, text === two ? 2 : 1)
        assert.deepEqual(scene.logged(), events)
      }
    })

    test('with many changes is one line of bounded length', async () => {
      const listeners = Array.from({ length: 200 }, (_, at) => `l${at}: {bind: ':${7000 + at}', route: any}`)
      scene.edit(`${HEAD}proxy: {listeners: {${listeners.join(', ')}}}\n`)
      assert.equal((await reloader.reload()).changes.length, 202)
      assert.match(scene.lines[0]?.msg ?? '', /; and 182 more \(ends 7 sessions, within drain_timeout\)$/)
    })
  })

  describe('requests for a reload', () => {
    test('that come while one runs are joined into one that follows', async () => {
      const first = Promise.withResolvers<ConfigResult>()
      scene.read = () => first.promise
      const running = reloader.reload()
      await settled()
      assert.equal(scene.reads, 1)
      const others = Array.from({ length: 1000 }, () => reloader.reload())
      scene.read = () => Promise.resolve(load(withInterval(500)))
      first.resolve(load(HEAD))
      assert.equal((await running).outcome, 'unchanged')
      const reports = new Set(await Promise.all(others))
      assert.deepEqual(
        [...reports].map(({ outcome }) => outcome),
        ['applied'],
      )
      assert.equal(scene.reads, 2)
    })

    test('that come before it has begun are the same', async () => {
      await Promise.all([reloader.reload(), reloader.reload()])
      assert.equal(scene.reads, 1)
      await reloader.reload()
      assert.equal(scene.reads, 2)
    })

    test('are one at a time, until the last part has taken it', async () => {
      let parts = 0
      scene.apply = async () => {
        assert.equal(++parts, 1)
        await settled()
        parts--
        return [TAKEN]
      }
      const reloads: Promise<unknown>[] = []
      for (let at = 1; at <= 5; at++) {
        scene.edit(withInterval(100 + at))
        reloads.push(reloader.reload())
        await settled()
      }
      await Promise.all(reloads)
      assert.equal(scene.applied.at(-1)?.clusters[0]?.proxy.check.intervalMs, 105)
    })
  })

  describe('a file system that does not answer', () => {
    test('refuses the reload in time, and keeps one read at most', async () => {
      const slow = new Scene(1)
      const hanging = Promise.withResolvers<ConfigResult>()
      slow.read = () => hanging.promise
      for (let at = 0; at < 3; at++) {
        const { outcome, problems } = await slow.reloader.reload()
        assert.equal(outcome, 'refused')
        assert.match(problems.join(), /cannot be read within 0\.001 s: its file system does not answer/)
      }
      assert.equal(slow.reads, 1)
      slow.read = () => Promise.resolve(load(HEAD))
      hanging.resolve(load(HEAD))
      await settled()
      assert.equal((await slow.reloader.reload()).outcome, 'unchanged')
    })
  })

  describe('a preview', () => {
    test('says what a reload would do, and does nothing', async () => {
      scene.edit(withInterval(500))
      const { outcome, changes, endingSessions } = await reloader.preview()
      assert.deepEqual([outcome, endingSessions], ['applied', 7])
      assert.deepEqual(changes, ['proxy.check.interval: 2s (default) -> 500ms'])
      scene.edit(FAULTY)
      assert.deepEqual((await reloader.preview()).problems, PROBLEMS)
      scene.edit(HEAD)
      assert.equal((await reloader.preview()).outcome, 'unchanged')
      assert.deepEqual(scene.applied, [])
      assert.deepEqual(scene.logged(), [])
      assert.equal(reloader.status().lastReload, null)
    })
  })

  describe('a look at the file', () => {
    test('finds that it was edited and not loaded, and that it is as before', async () => {
      await reloader.look()
      assert.equal(reloader.status().differsSince, null)
      scene.edit(withInterval(500))
      await reloader.look()
      const { differsSince, problems } = reloader.status()
      assert.notEqual(differsSince, null)
      assert.deepEqual(problems, [])
      scene.edit(FAULTY)
      await reloader.look()
      assert.equal(reloader.status().differsSince, differsSince)
      assert.deepEqual(reloader.status().problems, PROBLEMS)
      scene.edit(`# as before\n${HEAD}bootstrap: {unused: 1}\n`)
      await reloader.look()
      assert.deepEqual([reloader.status().differsSince, reloader.status().problems], [null, []])
      assert.deepEqual(scene.logged(), [])
      assert.deepEqual(scene.applied, [])
    })

    test('finds an edit from before the first look', async () => {
      scene.text = withInterval(500)
      await reloader.look()
      assert.notEqual(reloader.status().differsSince, null)
    })

    test('reads nothing while nothing was written', async () => {
      await reloader.reload()
      assert.equal(scene.reads, 1)
      await reloader.look()
      await reloader.look()
      assert.equal(scene.reads, 1)
    })

    test('that a reload overtakes says nothing', async () => {
      scene.edit(withInterval(500))
      const held = Promise.withResolvers<ConfigResult>()
      scene.read = () => held.promise
      const look = reloader.look()
      await settled()
      assert.equal(scene.reads, 1)
      const reload = reloader.reload()
      scene.read = () => Promise.resolve(load(scene.text))
      held.resolve(load(scene.text))
      await Promise.all([look, reload])
      assert.equal(reloader.status().differsSince, null)
    })

    test('keeps why a part has refused the same file', async () => {
      scene.edit(withInterval(500))
      scene.apply = () => Promise.resolve([REFUSED])
      const { problems } = await reloader.reload()
      await reloader.look()
      assert.deepEqual(reloader.status().problems, problems)
      scene.edit(HEAD)
      await reloader.look()
      assert.equal(reloader.status().differsSince, null)
    })
  })

  /** Lets everything happen that waits for nothing. */
  async function settled(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
})
