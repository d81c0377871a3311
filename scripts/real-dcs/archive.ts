import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
/** A release moves from the first to the second when Debian no longer supports it. */
const MIRRORS = ['http://deb.debian.org/debian', 'http://archive.debian.org/debian']

/** A package of Debian's archive; its source when it is one of source. */
export interface DebianPackage {
  readonly name: string
  readonly version: string
  readonly suite: string
  readonly isSource?: boolean
  /** Of the file that is used, for each of Debian's architectures, or `all`. */
  readonly sha256: Readonly<Record<string, string>>
}

/** Runs a command; its standard output. @throws when it fails. */
export function output(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
}

/** Returns the checksum of a package here. @throws when it has none for this architecture. */
export function checksumOf({ name, sha256 }: DebianPackage): string {
  const architecture = output('dpkg', '--print-architecture')
  const expected = sha256[architecture] ?? sha256['all']
  if (expected === undefined) throw new Error(`no ${name} is known for ${architecture}`)
  return expected
}

/**
 * Downloads a package, or the original archive of its source, with an apt of its own, which leaves that of the system
 * alone; the path of the file. @throws when there is none to be had, or it is another than it was.
 */
export function download(wanted: DebianPackage, dir: string): string {
  mkdirSync(dir, { recursive: true })
  const expected = checksumOf(wanted)
  const apt = new PrivateApt(dir)
  const errors: string[] = []
  for (const mirror of MIRRORS) {
    try {
      apt.fetch(wanted, mirror)
    } catch (error) {
      errors.push(`${mirror}: ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    apt.remove()
    const files = readdirSync(dir).filter((name) => /\.(deb|orig\.tar\.\w+)$/.test(name))
    const hashes = files.map((name) => [join(dir, name), sha256Of(join(dir, name))] as const)
    const file = hashes.find(([, hash]) => hash === expected)?.[0]
    if (file !== undefined) return file
    throw new Error(`${wanted.name} ${wanted.version} is ${hashes.join('; ')}, not ${expected}`)
  }
  throw new Error(`there is no ${wanted.name} ${wanted.version} to be had:\n${errors.join('\n')}`)
}

/** Unpacks a package into the cache, unless `file` of it is there; the path of that file, and where it is from. @throws as `download`. */
export function unpack(wanted: DebianPackage, file: string, cache: string): { path: string; source: string } {
  const hash = checksumOf(wanted)
  const dir = join(cache, `${wanted.name}-${hash.slice(0, 12)}`)
  const path = join(dir, 'root', file)
  if (!existsSync(path)) {
    rmSync(dir, { recursive: true, force: true })
    output('dpkg', '-x', download(wanted, dir), join(dir, 'root'))
  }
  return { path, source: `Debian's ${wanted.name} ${wanted.version}, SHA-256 ${hash}` }
}

function sha256Of(file: string): string {
  return createHash('sha256').update(readFileSync(file)).digest('hex')
}

/** Lists and state of apt in a directory. */
class PrivateApt {
  readonly #dir: string
  readonly #options: readonly string[]

  constructor(dir: string) {
    this.#dir = dir
    for (const name of ['lists/partial', 'cache/archives/partial', 'state']) {
      mkdirSync(this.#path(name), { recursive: true })
    }
    writeFileSync(this.#path('status'), '')
    this.#options = [
      ...[`Dir::State=${this.#path('state')}`, `Dir::State::Lists=${this.#path('lists')}`],
      ...[`Dir::State::status=${this.#path('status')}`, `Dir::Cache=${this.#path('cache')}`],
      ...[`Dir::Etc::SourceList=${this.#path('sources.list')}`, 'Dir::Etc::SourceParts=/dev/null'],
      // Root may write where the user of apt may not. Archived releases are not signed again.
      ...['APT::Sandbox::User=root', 'Acquire::Check-Valid-Until=false', 'Acquire::Languages=none'],
    ].flatMap((option) => ['-o', option])
  }

  /** @throws when it fails. */
  fetch({ name, version, suite, isSource = false }: DebianPackage, mirror: string): void {
    const type = isSource ? 'deb-src' : 'deb'
    writeFileSync(this.#path('sources.list'), `${type} [signed-by=${KEYRING}] ${mirror} ${suite} main\n`)
    const action = isSource ? ['source', '--download-only'] : ['download']
    for (const args of [['update'], [...action, `${name}=${version}`]]) {
      const stdio = ['ignore', 'ignore', 'pipe'] as const
      execFileSync('apt-get', ['-q', ...this.#options, ...args], { cwd: this.#dir, stdio: [...stdio] })
    }
  }

  remove(): void {
    rmSync(this.#path('.'), { recursive: true })
  }

  #path(name: string): string {
    return join(this.#dir, 'apt', name)
  }
}
