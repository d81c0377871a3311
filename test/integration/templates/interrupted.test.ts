/** Commits that are cut off at any moment, and what the next start makes of them. */
import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Target } from '../../../src/templates/files/destination.ts'
import type { StagedFile } from '../../../src/templates/files/stage.ts'
import { TempDir } from '../../support/files/temp.ts'
import { files, NEW, OLD, Scene, targetOf } from './support/cut-off.ts'
import { type Fate, withFaults } from '../../support/files/faults.ts'

describe('a commit of several files', () => {
  let dir: TempDir
  before(() => {
    dir = TempDir.create('interrupted')
  })
  after(async () => dir.remove())

  let scenes = 0
  const newScene = (): Scene => new Scene(dir.mkdir(`${scenes++}`))

  /** How files are kept and replaced, where the system does not do the obvious. */
  const WAYS: readonly (readonly [name: string, fate: Fate, more: Partial<Target>])[] = [
    ['by their names', () => null, { backup: true }],
    ['in place', ({ name, args }) => (name === 'rename' && isDestination(args[1]) ? 'EBUSY' : null), { backup: true }],
    ['where there are no hard links', ({ name }) => (name === 'link' ? 'EPERM' : null), {}],
    ['with another mode only', () => null, { mode: 0o600 }],
  ]
  for (const [way, fate, more] of WAYS) {
    /** A commit of both files, in which the calls from `first` to `last` fail. */
    const cut = async (first: number, last: number) => {
      const scene = newScene()
      const text = more.mode === undefined ? NEW : OLD
      mkdirSync(scene.state, { recursive: true })
      let steps = 0
      const isDone = await withFaults(
        (call) => ((steps = call.step) >= first && call.step <= last ? 'EIO' : fate(call)),
        async () => {
          const staged: StagedFile[] = []
          try {
            for (const path of scene.paths) staged.push(await files.stage({ ...targetOf(path), ...more }, text))
            await files.commit(staged, scene.journal(), true)
            return true
          } catch {
            // As whoever has staged them does.
            await files.discard(staged)
            return false
          }
        },
      )
      const isNew = (path: string): boolean | null => {
        const [there, isPrivate] = [readFileSync(path, 'utf8'), (statSync(path).mode & 0o777) === 0o600]
        if (more.mode !== undefined) return there === OLD ? isPrivate : null
        return there === NEW ? true : there === OLD ? false : null
      }
      return { scene, steps, isDone, generations: () => scene.paths.map(isNew) }
    }

    test(`killed at any of its steps is settled, all old or all new: ${way}`, async () => {
      const { steps } = await cut(Infinity, Infinity)
      assert.ok(steps > 40, `${steps}`)
      const outcomes = new Set<unknown>()
      for (let step = 1; step <= steps; step++) {
        // Killed: nothing that it would still do is done.
        const { scene, generations } = await cut(step, Infinity)
        assert.ok(way === 'in place' || !generations().includes(null), `${step}: torn`)
        const { reloadDue, warnings } = await files.recover(scene.journal(), scene.paths)
        const [a, b] = generations()
        assert.ok(a === b && a !== null, `${step}: of two generations`)
        assert.deepEqual([reloadDue, warnings], [a, []], `${step}`)
        assert.deepEqual(remaining(scene), reloadDue ? ['a', 'b', 'templates@group.json'] : ['a', 'b'], `${step}`)
        outcomes.add(a)
      }
      assert.equal(outcomes.size, 2)
    })

    test(`leaves all as they were, or has all replaced, whatever fails: ${way}`, async () => {
      const { steps } = await cut(Infinity, Infinity)
      for (let step = 1; step <= steps; step++) {
        const { scene, isDone, generations } = await cut(step, step)
        assert.deepEqual(generations(), [isDone, isDone], `${step}`)
        const { reloadDue } = await files.recover(scene.journal(), scene.paths)
        assert.deepEqual(generations(), [isDone, isDone], `${step} after the next start`)
        assert.equal(reloadDue, isDone, `${step}`)
        assert.deepEqual(
          readdirSync(scene.directory).filter((name) => name.startsWith('.')),
          [],
          `${step}`,
        )
      }
    })
  }

  // The second file is there and torn: all is undone, which takes the most steps; without it, all is completed.
  for (const isTorn of [true, false])
    test(`is settled when the start that ${isTorn ? 'undoes' : 'completes'} it is cut off, too`, async () => {
      const cut = async (first: number, last: number) => {
        const scene = newScene()
        const [, b] = await scene.interruptBetween()
        if (isTorn) writeFileSync(b?.staged ?? '', 'torn')
        let steps = 0
        const fate: Fate = (call) => ((steps = call.step) >= first && call.step <= last ? 'EIO' : null)
        const recover = async () => files.recover(scene.journal(), scene.paths)
        return { scene, steps, recovery: await withFaults(fate, recover), seen: () => steps }
      }
      const { recovery, seen } = await cut(Infinity, Infinity)
      assert.equal(recovery.commit, isTorn ? 'undone' : 'completed')
      for (let step = 1; step <= seen(); step++) {
        const { scene } = await cut(step, Infinity)
        const { reloadDue } = await files.recover(scene.journal(), scene.paths)
        assert.deepEqual([scene.contents, reloadDue], isTorn ? [[OLD, OLD], false] : [[NEW, NEW], true], `${step}`)
        assert.deepEqual(remaining(scene), isTorn ? ['a', 'b'] : ['a', 'b', 'templates@group.json'], `${step}`)
        // It lives, and its first pass goes on with the files as they are: a reload for what is new must not be lost.
        const { scene: other, recovery } = await cut(step, step)
        assert.ok(recovery.reloadDue || other.contents.includes(OLD), `${step}: the reload is lost`)
        assert.ok(
          other.contents.every((text) => text === OLD || text === NEW),
          `${step}: torn`,
        )
      }
    })

  test('is not settled by halves while a file of it cannot be reached, and has the reload made that may be due', async () => {
    const scene = newScene()
    const [, b] = await scene.interrupt()
    renameSync(b?.staged ?? '', scene.paths[1] ?? '')
    const { reloadDue, commit, warnings } = await withFaults(
      ({ name, args }) => (name === 'lstat' && args[0] === scene.paths[1] ? 'ESTALE' : null),
      async () => files.recover(scene.journal(), scene.paths),
    )
    assert.deepEqual([reloadDue, commit, scene.contents], [true, 'none', [OLD, NEW]])
    assert.match(warnings.join(), /^a commit that was interrupted cannot be settled: .*\/b cannot be reached: ESTALE/)
  })

  test('has the reload made that may be due where it can be neither completed nor undone', async () => {
    const scene = newScene()
    const [, b] = await scene.interruptBetween()
    renameSync(b?.staged ?? '', scene.paths[1] ?? '')
    const { reloadDue, commit, warnings } = await withFaults(
      ({ name, args }) => (name === 'open' && isDestination(args[0]) ? 'EACCES' : null),
      async () => files.recover(scene.journal(), scene.paths),
    )
    assert.deepEqual([reloadDue, commit, scene.contents], [true, 'undone', [NEW, NEW]])
    assert.match(warnings.join(), /cannot be completed: EACCES.*\/a is not as it was: EACCES.*\/b is not as it was/)
  })

  /** What is left of a commit, apart from backups. */
  function remaining({ directory, state }: Scene): string[] {
    return [...readdirSync(directory), ...readdirSync(state)].filter((name) => !name.endsWith('.bak'))
  }
})

/** Of the scene: not what stands beside them. */
function isDestination(path: unknown): boolean {
  return ['a', 'b'].includes(basename(String(path)))
}
