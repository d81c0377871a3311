// `npm run test:real-dcs`: runs the tests of DCSs that Debian 12 does not have on the real ones, where `npm test` runs
// fakes: the contract suites, which fakes and real ones have to pass, and the clusters. Installs nothing.
import { execFileSync, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '..')
const CACHE = join(ROOT, 'node_modules', '.cache', 'real-dcs')
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

interface RealDcs {
  readonly name: string
  readonly package: string
  readonly suite: string
  readonly version: string
  /** Of the package, for each of Debian's architectures. */
  readonly sha256: Readonly<Record<string, string>>
  /** The program in the package. */
  readonly program: string
  /** What names it to the tests. */
  readonly variable: string
  readonly tests: readonly string[]
}

const CONSUL: RealDcs = {
  ...{ name: 'Consul', package: 'consul', suite: 'bullseye', version: '1.8.7+dfsg1-2+b3' },
  sha256: {
    amd64: 'e4e888bba104daba1d9161f49bfc52649a7e4efd45b1a7ead5bc54f2cb9c89d9',
    arm64: '7318cfa77a7ba6f71dd096e44353279de246ffc6561216ace42353685dcf8255',
  },
  ...{ program: 'usr/bin/consul', variable: 'PATRONI_ROUTER_TEST_CONSUL' },
  tests: ['test/integration/consul/*.test.ts', 'test/{integration,cluster}/**/*consul*.test.ts'],
}

/** A release moves from the first to the second when Debian no longer supports it. */
const MIRRORS = ['http://deb.debian.org/debian', 'http://archive.debian.org/debian']

function output(command: string, ...args: readonly string[]): string {
  return execFileSync(command, args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] }).trim()
}

/** Downloads the package with an apt of its own, which leaves that of the system alone; the path of the file. */
function download(dcs: RealDcs, dir: string): string {
  const found = (): string | undefined => readdirSync(dir).find((name) => name.endsWith('.deb'))
  const apt = ['lists/partial', 'cache/archives/partial', 'state'].map((name) => join(dir, 'apt', name))
  for (const path of apt) mkdirSync(path, { recursive: true })
  const path = (name: string) => join(dir, 'apt', name)
  writeFileSync(path('status'), '')
  const options = [
    ...[`Dir::State=${path('state')}`, `Dir::State::Lists=${path('lists')}`, `Dir::State::status=${path('status')}`],
    ...[
      `Dir::Cache=${path('cache')}`,
      `Dir::Etc::SourceList=${path('sources.list')}`,
      'Dir::Etc::SourceParts=/dev/null',
    ],
    // Root may write where the user of apt may not. Archived releases are not signed again.
    ...['APT::Sandbox::User=root', 'Acquire::Check-Valid-Until=false', 'Acquire::Languages=none'],
  ].flatMap((option) => ['-o', option])
  const errors: string[] = []
  for (const mirror of MIRRORS) {
    writeFileSync(path('sources.list'), `deb [signed-by=${KEYRING}] ${mirror} ${dcs.suite} main\n`)
    try {
      for (const action of [['update'], ['download', `${dcs.package}=${dcs.version}`]]) {
        execFileSync('apt-get', ['-q', ...options, ...action], { cwd: dir, stdio: ['ignore', 'ignore', 'pipe'] })
      }
    } catch (error) {
      errors.push(`${mirror}: ${error instanceof Error ? error.message : String(error)}`)
      continue
    }
    const file = found()
    if (file !== undefined) return join(dir, file)
  }
  throw new Error(`there is no ${dcs.package} ${dcs.version} to be had:\n${errors.join('\n')}`)
}

/** Brings the program into the cache; its path. @throws when the package is another than it was. */
function bring(dcs: RealDcs): { readonly program: string; readonly hash: string } {
  const architecture = output('dpkg', '--print-architecture')
  const expected = dcs.sha256[architecture]
  if (expected === undefined) throw new Error(`no ${dcs.package} is known for ${architecture}`)
  const dir = join(CACHE, `${dcs.package}-${expected.slice(0, 12)}`)
  const program = join(dir, 'root', dcs.program)
  if (existsSync(program)) return { program, hash: expected }
  rmSync(dir, { recursive: true, force: true })
  mkdirSync(dir, { recursive: true })
  const file = download(dcs, dir)
  const hash = createHash('sha256').update(readFileSync(file)).digest('hex')
  if (hash !== expected) throw new Error(`${file} has SHA-256 ${hash}, not ${expected}`)
  output('dpkg', '-x', file, join(dir, 'root'))
  rmSync(join(dir, 'apt'), { recursive: true })
  return { program, hash }
}

/** Runs files as `npm test` does, with the program; its counts, and whether all have passed. */
async function run(files: readonly string[], env: NodeJS.ProcessEnv): Promise<{ counts: string; passed: boolean }> {
  const suites = ['integration', 'cluster'].filter((suite) => files.some((file) => file.startsWith(`test/${suite}/`)))
  const runner = spawn(process.execPath, ['scripts/test.ts', ...suites, ...files], {
    ...{ cwd: ROOT, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'inherit'] },
  })
  let text = ''
  runner.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
    process.stdout.write(chunk)
  })
  const code = await new Promise((done, failed) => runner.once('close', done).once('error', failed))
  const counts = ['tests', 'pass', 'fail'].map((name) => {
    // Once for each time that the runner was started.
    const each = [...text.matchAll(new RegExp(`^ℹ ${name} (\\d+)`, 'gm'))].map(([, count]) => Number(count))
    return `${name} ${each.reduce((sum, count) => sum + count, 0)}`
  })
  return { counts: counts.join(', '), passed: code === 0 }
}

async function main(): Promise<number> {
  const { program, hash } = bring(CONSUL)
  const [version = ''] = output(program, 'version').split('\n')
  const files = [...new Set(globSync([...CONSUL.tests], { cwd: ROOT }))].sort()
  const { counts, passed } = await run(files, { [CONSUL.variable]: program })
  console.log(`\n${version}, of Debian's ${CONSUL.package} ${CONSUL.version}, SHA-256 ${hash}`)
  console.log(`${files.map((file) => `  ${file}\n`).join('')}${counts}: ${passed ? 'passed' : 'FAILED'}`)
  return passed ? 0 : 1
}

try {
  process.exitCode = await main()
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
