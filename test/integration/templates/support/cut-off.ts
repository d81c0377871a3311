/** Files a and b of a group, and a directory for its state: for commits that are cut off. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pino } from 'pino'
import { Files } from '../../../../src/templates/files/files.ts'
import { Journal } from '../../../../src/templates/files/journal.ts'
import type { Target } from '../../../../src/templates/files/destination.ts'
import type { StagedFile } from '../../../../src/templates/files/stage.ts'

export const OLD = 'old '.repeat(30)
export const NEW = 'new and longer '.repeat(10)

export const files = new Files({ pid: process.pid, isAlive: () => false })

export function targetOf(destination: string): Target {
  return { destination, owner: null, group: null, mode: null, backup: false }
}

export async function stageAll(paths: readonly string[], text: string): Promise<StagedFile[]> {
  return Promise.all(paths.map(async (path) => files.stage(targetOf(path), text)))
}

export class Scene {
  readonly directory: string
  readonly state: string
  readonly paths: readonly string[]

  constructor(directory: string) {
    this.directory = join(directory, 'files')
    this.state = join(directory, 'state')
    this.paths = ['a', 'b'].map((file) => join(this.directory, file))
    mkdirSync(this.directory, { recursive: true })
    for (const path of this.paths) writeFileSync(path, OLD)
  }

  get contents(): readonly string[] {
    return this.paths.map((path) => readFileSync(path, 'utf8'))
  }

  /** What the next router has. */
  journal(): Journal {
    return new Journal({ dir: this.state, group: 'group', log: pino({ level: 'silent' }) })
  }

  /** What a router does that is killed after the journal is written and before anything else. */
  async interrupt(): Promise<readonly StagedFile[]> {
    const staged = await stageAll(this.paths, NEW)
    const before = createHash('sha256').update(OLD).digest('hex')
    await this.journal().begin(
      staged.map((file) => ({ ...file, before })),
      true,
    )
    return staged
  }

  /** The same, killed after the first file was replaced. */
  async interruptBetween(): Promise<readonly StagedFile[]> {
    const [a, b] = await this.interrupt()
    const [path = ''] = this.paths
    if (a === undefined || b === undefined) throw new Error('both are staged')
    renameSync(path, a.staged.replace(/tmp$/, 'undo'))
    renameSync(a.staged, path)
    return [a, b]
  }
}
