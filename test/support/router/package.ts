import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import { basename, delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { CommandResult } from './process.ts'

export const ROOT = join(import.meta.dirname, '../../..')

/** The oldest Node that is supported, as npm has it for this kind of machine: there is no 22.19.0 for arm64. */
const OLDEST_NODE: Readonly<Record<string, string>> = { x64: '22.19.0', arm64: '22.20.0' }
/** The npm that comes with it. */
const OLDEST_NPM = '10.9.3'
/** Without network npm would try for minutes; what it has in its cache need not be asked for again. */
const PATIENCE = ['--fetch-retries=1', '--fetch-retry-mintimeout=1000', '--fetch-timeout=60000', '--prefer-offline']
const NOT_COPIED = ['node_modules', 'dist', '.git']

const execute = promisify(execFile)

/** A Node in a directory in which there is nothing else, and the npm to use with it. */
export type Toolchain = {
  /** As `node --version` says it. */
  readonly version: string
  /** The whole PATH that the installed program gets. */
  readonly path: string
  /** The beginning of an npm command. */
  readonly npm: readonly string[]
}

/**
 * Packs the repository as `npm pack` does, in a copy: it is built in there, and nobody else's `dist` changes.
 * @param directory empty, for the copy and the tarball.
 * @returns the tarball's path.
 */
export async function packRepository(directory: string): Promise<string> {
  const copy = join(directory, 'repository')
  const isCopied = (source: string): boolean => dirname(source) !== ROOT || !NOT_COPIED.includes(basename(source))
  cpSync(ROOT, copy, { recursive: true, filter: isCopied })
  symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
  await npm('pack the repository', ['npm'], ['pack', '--pack-destination', directory], copy)
  const tarball = readdirSync(directory).find((name) => name.endsWith('.tgz'))
  if (tarball === undefined) throw new Error(`npm pack has left no tarball in ${directory}`)
  return join(directory, tarball)
}

/** The oldest Node that is supported and its npm, both from the npm registry. @throws when they cannot be had. */
export async function oldestToolchain(directory: string): Promise<Toolchain> {
  const version = OLDEST_NODE[process.arch]
  if (process.platform !== 'linux' || version === undefined) {
    throw new Error(`which Node to try on ${process.platform} ${process.arch} is not known to ${import.meta.filename}`)
  }
  const node = `node-linux-${process.arch}`
  const packages = [`${node}@${version}`, `npm@${OLDEST_NPM}`]
  // The package has the binary in it: no install script has to run, which some npm would refuse to.
  const args = ['install', '--no-save', '--ignore-scripts', '--prefix', directory, ...packages]
  await npm(`fetch ${packages.join(' and ')} from the npm registry`, ['npm'], args, directory)
  const modules = join(directory, 'node_modules')
  const path = onlyNode(directory, join(modules, node, 'bin/node'))
  return { version: `v${version}`, path, npm: [join(path, 'node'), join(modules, 'npm/bin/npm-cli.js')] }
}

/** The program of a Node that is too old, from the npm registry. @throws when it cannot be had. */
export async function outdatedNode(directory: string, major: number): Promise<string> {
  const name = `node-linux-${process.arch}`
  const args = ['install', '--no-save', '--ignore-scripts', '--prefix', directory, `${name}@${major}`]
  await npm(`fetch ${name}@${major} from the npm registry`, ['npm'], args, directory)
  return join(directory, 'node_modules', name, 'bin/node')
}

/** The Node that runs this, and the npm of this machine. */
export function ownToolchain(directory: string): Toolchain {
  return { version: process.version, path: onlyNode(directory, process.execPath), npm: ['npm'] }
}

/** The program as somebody has it who installed the tarball into an empty directory. */
export class InstalledProgram {
  readonly tools: Toolchain
  /** Where its package and those that it needs are. */
  readonly modules: string
  readonly bin: string
  readonly #directory: string
  readonly #scope: readonly string[]

  private constructor(tools: Toolchain, directory: string, isGlobal: boolean) {
    this.tools = tools
    this.#directory = directory
    this.#scope = isGlobal ? ['--global'] : []
    this.modules = join(directory, isGlobal ? 'lib/node_modules' : 'node_modules')
    this.bin = join(directory, isGlobal ? 'bin/patroni-router' : 'node_modules/.bin/patroni-router')
  }

  /** `npm install`, which fails also when a dependency does not support that Node. */
  static async install(tarball: string, tools: Toolchain, directory: string): Promise<InstalledProgram> {
    return await new InstalledProgram(tools, directory, false).#install(tarball)
  }

  /** `npm install --global`, into a directory of its own. */
  static async installGlobally(tarball: string, tools: Toolchain, directory: string): Promise<InstalledProgram> {
    return await new InstalledProgram(tools, directory, true).#install(tarball)
  }

  async #install(tarball: string): Promise<this> {
    const what = `install ${basename(tarball)} and its dependencies from the npm registry under Node ${this.tools.version}`
    await this.npm(what, ['install', '--omit=dev', '--engine-strict', tarball])
    return this
  }

  /** Any npm command in the directory; its standard output. @throws with what it was to do when it fails. */
  async npm(what: string, args: readonly string[]): Promise<string> {
    const { npm: command, path } = this.tools
    return npm(what, command, ['--prefix', this.#directory, ...this.#scope, ...args], this.#directory, path)
  }

  /** Runs the program, without any other program at hand, in a directory of the caller's choice. */
  async run(cwd: string, ...args: string[]): Promise<CommandResult> {
    const options = { cwd, env: { PATH: this.tools.path }, timeout: 60_000 }
    return new Promise((resolve) => {
      execFile(this.bin, args, options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1
        resolve({ code, stdout, stderr: code === -1 ? `${stderr}${error?.message}` : stderr })
      })
    })
  }
}

function onlyNode(directory: string, node: string): string {
  const path = join(directory, 'bin')
  mkdirSync(path)
  symlinkSync(node, join(path, 'node'))
  return path
}

async function npm(
  what: string,
  [command = '', ...first]: readonly string[],
  args: readonly string[],
  cwd: string,
  path?: string,
): Promise<string> {
  const PATH = [path, process.env['PATH']].filter((part) => part !== undefined).join(delimiter)
  try {
    const all = [...first, ...PATIENCE, ...args]
    return (await execute(command, all, { cwd, env: { ...environment(), PATH }, timeout: 110_000 })).stdout
  } catch (error) {
    const { stderr = '', stdout = '' } = error as { stderr?: string; stdout?: string }
    // The compiler tells of its errors on standard output.
    throw new Error(`could not ${what}: ${`${stdout}${stderr}`.slice(-3_000) || String(error)}`, { cause: error })
  }
}

/** Ours, without what an `npm test` around us tells of its own package; registry, cache and proxy stay. */
function environment(): Record<string, string | undefined> {
  const isForeign = (name: string): boolean =>
    (/^npm_/.test(name) && !/^npm_config_/i.test(name)) || name === 'npm_config_local_prefix' || name === 'NODE_OPTIONS'
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !isForeign(name)))
}
