import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript'
import { TempDir } from '../../test/support/files/temp.ts'
import { freePort, listens } from '../../test/support/net/ports.ts'
import { Child } from '../../test/support/processes/child.ts'

/** The plain proxy (pipe.ts) as a process of its own. */
export class PipeProcess implements AsyncDisposable {
  readonly port: number
  readonly process: Child
  readonly #dir: TempDir

  private constructor(port: number, process: Child, dir: TempDir) {
    this.port = port
    this.process = process
    this.#dir = dir
  }

  /** Starts it, as JavaScript: what strips types would count as its memory. */
  static async start(server: number): Promise<PipeProcess> {
    const dir = TempDir.create('pipe')
    try {
      const port = await freePort()
      const file = join(dir.path, 'pipe.mjs')
      const source = readFileSync(join(import.meta.dirname, 'pipe.ts'), 'utf8')
      const { ESNext: module } = ts.ModuleKind
      const target = ts.ScriptTarget.ES2024
      writeFileSync(file, ts.transpileModule(source, { compilerOptions: { module, target } }).outputText)
      const options = { cwd: dir.path, logFile: join(dir.path, 'pipe.log') }
      const child = await Child.start(process.execPath, [file, String(port), String(server)], options)
      await child.until('the plain proxy listens', () => listens(port))
      return new PipeProcess(port, child, dir)
    } catch (error) {
      await dir.remove()
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#dir.remove()
  }
}
