import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { pino } from 'pino'
import type { CommandConfig, TemplateConfig } from '../../../../src/config/config.ts'
import type { CommandResult } from '../../../../src/templates/commands/run-command.ts'
import { contextOf } from '../../../../src/templates/engine/context.ts'
import type { StagedFile } from '../../../../src/templates/files/stage.ts'
import { Journal } from '../../../../src/templates/files/journal.ts'
import type { GroupApplyDeps } from '../../../../src/templates/groups/apply.ts'
import { Group } from '../../../../src/templates/groups/group.ts'
import { LookupCache } from '../../../../src/templates/lookup-cache.ts'
import type { GroupState } from '../../../../src/templates/status.ts'
import type { ClusterView } from '../../../../src/watcher/view.ts'
import { view } from '../../watcher/sample.ts'

/** A group whose clock, destinations and commands are the test's; only its sources are files. */
export class FakeGroup implements AsyncDisposable {
  /** What is in the destinations, by name. */
  readonly texts = new Map<string, string>()
  /** The commands that were run, in their order. */
  readonly commands: string[] = []
  readonly events: string[] = []
  /** What comes of the next commands; those that are not named succeed. */
  run: (command: string) => CommandResult | Promise<CommandResult> = () => SUCCESS
  /** What a render takes. */
  costMs = 0
  readonly #t: TestContext
  readonly #dir = mkdtempSync(join(tmpdir(), 'fake-group-'))
  readonly #addresses = Promise.withResolvers<readonly string[]>()
  #now = 0
  #view: ClusterView = view()
  #group: Group | null = null

  constructor(t: TestContext) {
    this.#t = t
    t.mock.timers.enable({ apis: ['setTimeout'] })
    t.mock.method(performance, 'now', () => this.#now)
  }

  template(name: string, text: string, changes: Partial<TemplateConfig> = {}): TemplateConfig {
    const source = join(this.#dir, `${name}.hbs`)
    writeFileSync(source, text)
    return {
      ...{ subject: { kind: 'cluster', cluster: 'demo' }, source },
      ...{ destination: name, owner: null, group: null, mode: null, check: null, reload: this.command('reload') },
      ...{ debounce: { minMs: 200, maxMs: 2000 }, intervalMs: 0, onEmpty: 'keep', backup: false },
      ...{ reloadGroup: null, prefix: '', keys: [], ...changes },
    }
  }

  command(command: string): CommandConfig {
    return { command, timeoutMs: 10_000, env: {}, workingDir: this.#dir }
  }

  get group(): Group {
    assert.ok(this.#group !== null)
    return this.#group
  }

  get state(): GroupState {
    return this.group.status().state
  }

  get renders(): number {
    return this.group.status().templates[0]?.renders ?? 0
  }

  get reloads(): number {
    return this.commands.filter((command) => command === 'reload').length
  }

  /** Starts it, and waits until it is in that state. */
  async start(templates: readonly TemplateConfig[], state: GroupState = 'in-sync'): Promise<void> {
    const write = (line: string): void => void this.events.push((JSON.parse(line) as { event: string }).event)
    const log = pino({ base: null }, { write })
    const others = { services: () => Promise.resolve([]), exists: () => Promise.resolve(true) }
    this.#group = new Group({
      ...{ group: 'lb', templates, log, groups: () => 1 },
      lookups: new LookupCache({ addresses: () => this.#addresses.promise, ...others }),
      files: this.#files(),
      journal: new Journal({ dir: null, group: 'lb', log }),
      run: async ({ command }) => {
        this.commands.push(String(command))
        return this.run(String(command))
      },
      inputs: {
        of: (_, answers) => {
          this.#now += this.costMs
          return { ok: true, inputs: { context: contextOf(this.#view), keys: null, env: {}, answers } }
        },
      },
    })
    this.#group.start()
    await this.until(state)
  }

  /** Has the cluster changed, and the group hear of it. */
  change(changes: Partial<ClusterView>, urgent = false): void {
    this.#view = view(changes)
    this.group.changed(urgent)
  }

  /** What the DNS answers for every name; there is no answer before. */
  answer(...addresses: readonly string[]): void {
    this.#addresses.resolve(addresses)
  }

  /** Lets time pass, and all that is due in it happen. */
  async advance(ms: number, stepMs = 1): Promise<void> {
    for (let passed = 0; passed < ms; passed += stepMs) {
      this.#now += stepMs
      this.#t.mock.timers.tick(stepMs)
      await turn()
    }
  }

  /** Lets all happen that waits for no clock, until the group is in that state. */
  async until(state: GroupState): Promise<void> {
    await this.happens(() => this.state === state)
    assert.equal(this.state, state)
  }

  /** The same, until it is so; files are read in some turns of the event loop. */
  async happens(condition: () => boolean): Promise<void> {
    for (let turns = 0; turns < MAX_TURNS && !condition(); turns++) {
      // A timer of no length is due without time.
      this.#t.mock.timers.tick(0)
      await turn()
    }
    assert.ok(condition())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#group?.close()
    rmSync(this.#dir, { recursive: true })
  }

  #files(): GroupApplyDeps['files'] {
    const staged = new Map<string, string>()
    return {
      difference: ({ destination }, text) => Promise.resolve(this.texts.get(destination) === text ? 'same' : 'content'),
      stage: ({ destination }, text) => {
        const file = { destination, path: destination, staged: `${destination}.tmp` }
        staged.set(file.staged, text)
        return Promise.resolve<StagedFile>({ ...file, digest: '', backup: false, uid: 0, gid: 0, mode: 0o644 })
      },
      discard: (files) => {
        for (const file of files) staged.delete(file.staged)
        return Promise.resolve()
      },
      commit: async (files, journal, reload) => {
        for (const file of files) this.texts.set(file.destination, staged.get(file.staged) ?? '')
        await journal.committed(reload)
        return { inPlace: [], ownerKept: [], warnings: [] }
      },
      recover: ({ reloadDue }) => Promise.resolve({ reloadDue, commit: 'none', warnings: [] }),
    }
  }
}

export const SUCCESS: CommandResult = {
  ...{ ok: true, outcome: 'exited with 0', exitCode: 0, startedAt: 0, durationMs: 0, output: '' },
}

/** More than reading a file takes. */
const MAX_TURNS = 10_000
