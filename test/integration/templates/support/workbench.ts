import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import type { CommandConfig, TemplateConfig } from '../../../../src/config/config.ts'
import { commandEnvironment } from '../../../../src/templates/commands/input.ts'
import { commandRunner } from '../../../../src/templates/commands/run-command.ts'
import { contextOf } from '../../../../src/templates/engine/context.ts'
import { LookupCache } from '../../../../src/templates/lookup-cache.ts'
import { Files } from '../../../../src/templates/files/files.ts'
import { Journal } from '../../../../src/templates/files/journal.ts'
import { Group } from '../../../../src/templates/groups/group.ts'
import type { GroupStatus } from '../../../../src/templates/status.ts'
import type { ClusterView } from '../../../../src/watcher/view.ts'
import { signal as kill } from '../../../support/processes/signals.ts'
import { TempDir } from '../../../support/files/temp.ts'
import { until } from '../../../support/until.ts'
import { view } from '../../../unit/watcher/sample.ts'

type Line = { readonly level: string; readonly event?: string; readonly msg: string } & Readonly<
  Record<string, unknown>
>

/** Real files and real commands in a directory of the test's, and a group that follows the views which the test gives it. */
export class Bench implements AsyncDisposable {
  readonly lines: Line[] = []
  readonly #dir = TempDir.create('group')
  readonly #groups: Group[] = []
  readonly #answered = Promise.withResolvers<undefined>()
  #address = ''
  #view: ClusterView | null = view()

  path(name: string): string {
    return join(this.#dir.path, name)
  }

  write(name: string, text: string): string {
    writeFileSync(this.path(name), text)
    return this.path(name)
  }

  read(name: string): string {
    return readFileSync(this.path(name), 'utf8')
  }

  /** The lines of a file that commands append to. */
  logged(name: string): string[] {
    if (!existsSync(this.path(name))) return []
    return this.read(name)
      .split('\n')
      .filter((line) => line !== '')
  }

  /** Names in the directory that begin with a dot: what a pass has left. */
  get leftovers(): string[] {
    return readdirSync(this.#dir.path).filter((name) => name.startsWith('.'))
  }

  command(text: string, timeoutMs = 10_000): CommandConfig {
    return { command: text, timeoutMs, env: {}, workingDir: this.#dir.path }
  }

  /** `NAME.hbs` with this text, to be written to NAME; reloads by telling the file `reloads`. */
  template(name: string, text: string, changes: Partial<TemplateConfig> = {}): TemplateConfig {
    return {
      subject: { kind: 'cluster', cluster: 'demo' },
      source: this.write(`${name}.hbs`, text),
      destination: this.path(name),
      owner: null,
      group: null,
      mode: null,
      check: null,
      reload: this.command('echo reload >> reloads'),
      debounce: { minMs: 20, maxMs: 200 },
      intervalMs: 0,
      onEmpty: 'keep',
      backup: false,
      reloadGroup: null,
      prefix: '',
      keys: [],
      ...changes,
    }
  }

  /** What the DNS answers for all names but localhost from now on; before there is no answer. */
  answer(address: string): void {
    this.#address = address
    this.#answered.resolve(undefined)
  }

  /** Starts a group for templates; a second one for the same takes up what the first has left. */
  group(...templates: readonly TemplateConfig[]): Group {
    const stream = { write: (line: string) => void this.lines.push(JSON.parse(line) as Line) }
    const log = pino({ base: null, formatters: { level: (level) => ({ level }) } }, stream)
    const addresses = (name: string): Promise<readonly string[]> =>
      name === 'localhost' ? Promise.resolve(['127.0.0.1']) : this.#answered.promise.then(() => [this.#address])
    const others = { services: () => Promise.resolve([]), exists: () => Promise.resolve(true) }
    const group = new Group({
      lookups: new LookupCache({ addresses, ...others }),
      group: 'lb',
      templates,
      files: new Files({ pid: process.pid, isAlive: () => true }),
      journal: new Journal({ dir: this.path('state'), group: 'lb', log }),
      run: commandRunner(commandEnvironment(process.env), (pid, signal) => kill(-pid, signal)),
      groups: () => 1,
      log,
      inputs: {
        of: (_, answers) => {
          if (this.#view === null) return { ok: false, reason: 'not known' }
          return { ok: true, inputs: { context: contextOf(this.#view), keys: null, env: {}, answers } }
        },
      },
    })
    this.#groups.push(group)
    group.start()
    return group
  }

  /** What the group is rendered with from now on; null: nothing is known. */
  set(changes: Partial<ClusterView> | null): void {
    this.#view = changes === null ? null : view(changes)
  }

  /** The same, and the group notes it. */
  change(group: Group, changes: Partial<ClusterView>, urgent = false): void {
    this.set(changes)
    group.changed(urgent)
  }

  async until(group: Group, what: string, condition: (status: GroupStatus) => boolean): Promise<GroupStatus> {
    return until(`the group is ${what}`, () => {
      const status = group.status()
      if (!condition(status)) throw new Error(JSON.stringify(status))
      return status
    })
  }

  async state(group: Group, state: GroupStatus['state']): Promise<GroupStatus> {
    return this.until(group, state, (status) => status.state === state)
  }

  events(): (string | undefined)[] {
    return this.lines.map(({ event }) => event)
  }

  count(event: string): number {
    return this.events().filter((each) => each === event).length
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#groups.map((group) => group.close()))
    await this.#dir.remove()
  }
}
