// `npm run release`: makes an annotated tag, the tarball and its checksum from the newest version in CHANGELOG.md.
// It neither pushes nor publishes anything.
import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { parseChangelog, released } from './changelog.ts'

const USAGE = `usage: npm run release -- [--version X.Y.Z] [--output DIR]

  --version X.Y.Z  makes the unreleased entries of CHANGELOG.md those of this version, in a commit of its own
  --output DIR     where the tarball and SHA256SUMS go (release/vX.Y.Z)
`
const ROOT = join(import.meta.dirname, '..')
const CHANGELOG = 'CHANGELOG.md'
const MANIFEST = 'package.json'
const VERSION = /^\d+\.\d+\.\d+(-[0-9A-Za-z.-]+)?$/
const DATE = /^\d{4}-\d{2}-\d{2}$/

/** Why there is no release; nothing has changed. */
class Refusal extends Error {}

interface Manifest {
  readonly version: string
}

function git(args: readonly string[], input?: string): string {
  return execFileSync('git', args, { cwd: ROOT, encoding: 'utf8', stdio: ['pipe', 'pipe', 'inherit'], input }).trim()
}

function npm(args: readonly string[]): void {
  execFileSync('npm', args, { cwd: ROOT, stdio: ['ignore', 'inherit', 'inherit'] })
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8')
}

function currentVersion(): string {
  return (JSON.parse(read(MANIFEST)) as Manifest).version
}

function refuseUnclean(): void {
  const changed = git(['status', '--porcelain'])
  if (changed !== '') throw new Refusal(`the working tree has changes: commit or stash them first:\n${changed}`)
}

function refuseTag(version: string): void {
  if (git(['tag', '--list', `v${version}`]) !== '') throw new Refusal(`there is a tag v${version} already`)
}

/** Returns the section of the version that is to be released. @throws Refusal when the files do not say which that is. */
function releasable(): string {
  const { unreleased, versions } = parseChangelog(read(CHANGELOG))
  const [newest] = versions
  const version = currentVersion()
  if (newest === undefined) throw new Refusal(`${CHANGELOG} has no version: give one with --version X.Y.Z`)
  if (newest.version !== version) {
    throw new Refusal(`${MANIFEST} is at ${version}, and the newest version in ${CHANGELOG} is ${newest.version}`)
  }
  if (newest.date === null || !DATE.test(newest.date) || Number.isNaN(Date.parse(newest.date))) {
    throw new Refusal(`${CHANGELOG} has no date for ${version}: "## ${version} - YYYY-MM-DD"`)
  }
  if (newest.text === '') throw new Refusal(`${CHANGELOG} says nothing of ${version}`)
  if (unreleased !== '') {
    throw new Refusal(`${CHANGELOG} has unreleased entries above ${version}: give a version with --version X.Y.Z`)
  }
  refuseTag(version)
  return newest.text
}

/** Gives the unreleased entries and the package `version`. @throws Refusal when it cannot be that one. */
function bump(version: string): void {
  const changelog = read(CHANGELOG)
  const { unreleased, versions } = parseChangelog(changelog)
  const before = currentVersion()
  if (!VERSION.test(version)) throw new Refusal(`${version} is no version: X.Y.Z, or X.Y.Z-rc.1`)
  if (unreleased === '') throw new Refusal(`${CHANGELOG} has no unreleased entries for ${version}`)
  if (versions.some((section) => section.version === version)) throw new Refusal(`${CHANGELOG} has ${version} already`)
  if (isOlder(version, before)) throw new Refusal(`${version} is older than ${before} in ${MANIFEST}`)
  refuseTag(version)
  writeFileSync(join(ROOT, CHANGELOG), released(changelog, version, new Date().toISOString().slice(0, 10)))
  npm(['version', version, '--no-git-tag-version', '--allow-same-version', '--ignore-scripts'])
}

function isOlder(version: string, than: string): boolean {
  const [a, b] = [version, than].map((text) => text.replace(/-.*/, '').split('.').map(Number)) as [number[], number[]]
  const at = a.findIndex((number, index) => number !== b[index])
  return at >= 0 && (a[at] ?? 0) < (b[at] ?? 0)
}

/** Packs into `directory`, beside the checksum. Returns the names of both. */
function pack(directory: string): readonly string[] {
  mkdirSync(directory, { recursive: true })
  npm(['pack', '--pack-destination', directory])
  const tarball = `patroni-router-${currentVersion()}.tgz`
  const sum = createHash('sha256')
    .update(readFileSync(join(directory, tarball)))
    .digest('hex')
  writeFileSync(join(directory, 'SHA256SUMS'), `${sum}  ${tarball}\n`)
  return [tarball, 'SHA256SUMS']
}

/** Does all of it, or leaves everything as it was. */
function release(version: string | null, output: string | null): void {
  refuseUnclean()
  const head = git(['rev-parse', 'HEAD'])
  let directory: string | null = null
  try {
    if (version !== null) bump(version)
    const notes = releasable()
    const current = currentVersion()
    const chosen = resolve(output ?? join(ROOT, 'release', `v${current}`))
    if (existsSync(chosen)) throw new Refusal(`${chosen} is there already: remove it, or choose another with --output`)
    directory = chosen
    const files = pack(directory)
    if (version !== null) git(['commit', '--quiet', '--all', '--message', `release: ${current}`])
    // Not stripped of what begins with #: these are the headings.
    const message = `patroni-router ${current}\n\n${notes}\n`
    git(['tag', '--annotate', '--cleanup=whitespace', '--file', '-', `v${current}`], message)
    const branch = git(['rev-parse', '--abbrev-ref', 'HEAD'])
    console.log(
      [
        `v${current} is tagged. Made in ${directory}: ${files.join(', ')}. Nothing is pushed or published:`,
        `  git push origin ${branch} v${current}`,
        `  npm publish ${join(directory, files[0] ?? '')}`,
      ].join('\n'),
    )
  } catch (error) {
    if (directory !== null) rmSync(directory, { recursive: true, force: true })
    // Nothing but our own changes: the tree had none.
    if (version !== null) git(['reset', '--quiet', '--hard', head])
    throw error
  }
}

/** Returns the exit code: 0, 1 when it is refused or fails, 2 for a usage error. */
function main(): number {
  const options = { version: { type: 'string' }, output: { type: 'string' }, help: { type: 'boolean' } } as const
  try {
    const { values } = parseArgs({ options })
    if (values.help === true) console.log(USAGE)
    else release(values.version ?? null, values.output ?? null)
    return 0
  } catch (error) {
    const isUsage = error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')
    if (error instanceof Refusal) console.error(`no release: ${error.message}`)
    else console.error(isUsage ? `${error.message}\n${USAGE}` : error)
    return isUsage ? 2 : 1
  }
}

process.exitCode = main()
