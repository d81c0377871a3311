import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, globSync, mkdirSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { checksumOf, download, output, type DebianPackage } from './archive.ts'
import type { RealDcs } from './real-dcs.ts'

const SUITE = 'bookworm'
const VERSION = '1.20.2'
const SOURCE: DebianPackage = {
  ...{ name: 'kubernetes', suite: SUITE, version: '1.20.5+really1.20.2-1.1+deb12u1', isSource: true },
  // Of the original archive: Debian's patches are of kubectl only.
  sha256: { all: 'b83c0780efb182d928dc63d46488a847f161f04e40a94b96bf5247dd671ecdfc' },
}
const GO = '1.19'
const TOOLS: readonly DebianPackage[] = [
  {
    ...{ name: `golang-${GO}-go`, suite: SUITE, version: '1.19.8-2' },
    sha256: {
      amd64: '545123039b6c79e75cf2d86528781a825424cf33ce9d3f4513d772d7144cd531',
      arm64: 'c087d91b306be6cb69085a1fd5ba5a9c841c6e7a5c8d27705bb5a6928c6d3f74',
    },
  },
  {
    ...{ name: `golang-${GO}-src`, suite: SUITE, version: '1.19.8-2' },
    sha256: { all: '2dfa82fe4f08f4e0193c532e561af4c91871f5235608f04f2bb8d57bb288df5a' },
  },
  {
    ...{ name: 'golang-github-modern-go-reflect2-dev', suite: SUITE, version: '1.0.2-2' },
    sha256: { all: 'af150a5172cf4c19bb321a53e67103e7fb18d07c1baa1e816a235155265d3948' },
  },
]
const REFLECT = 'github.com/modern-go/reflect2'
const VENDOR = 'k8s.io/kubernetes/vendor/k8s.io'
const OPENAPI = 'pkg/generated/openapi'
/** Grows with a change of the build, so that nothing older is taken from the cache. */
const RECIPE = 1

/**
 * kube-apiserver, which Debian 12 has the source of and no package. Built with Debian's Go, which is unpacked beside it:
 * 5 to 12 minutes on two cores, 2 GB meanwhile.
 */
export const KUBERNETES: RealDcs = {
  name: 'kubernetes',
  variable: 'PATRONI_ROUTER_TEST_KUBERNETES',
  tests: ['test/integration/kubernetes/*.test.ts', 'test/{integration,cluster}/**/*kubernetes*.test.ts'],
  // Its example runs in containers, whatever the API server is.
  except: ['test/integration/examples/*.test.ts'],
  bring(cache) {
    const dir = join(cache, `${SOURCE.name}-${checksumOf(SOURCE).slice(0, 12)}-${RECIPE}`)
    const program = join(dir, 'kube-apiserver')
    if (!existsSync(program)) build(dir, program)
    const version = output(program, '--version').replace('Kubernetes', 'kube-apiserver')
    return {
      program,
      origin: `${version}, built from Debian's ${SOURCE.name} ${SOURCE.version}, SHA-256 ${checksumOf(SOURCE)}`,
    }
  },
}

/** Leaves nothing but the program; when it fails, its log and what it was built from. @throws then. */
function build(dir: string, program: string): void {
  rmSync(dir, { recursive: true, force: true })
  const work = join(dir, 'build')
  const [root, source] = [join(work, 'root'), join(work, 'gopath/src/k8s.io/kubernetes')]
  for (const tool of TOOLS) output('dpkg', '-x', download(tool, join(work, tool.name)), root)
  mkdirSync(source, { recursive: true })
  output('tar', '-xf', download(SOURCE, join(work, SOURCE.name)), '-C', source, '--strip-components=1')
  // Its own one does not run with this Go.
  const reflect = join(source, 'vendor', REFLECT)
  rmSync(reflect, { recursive: true })
  cpSync(join(root, 'usr/share/gocode/src', REFLECT), reflect, { recursive: true })

  const log = join(dir, 'build.log')
  const env = {
    ...{ PATH: `${join(root, `usr/lib/go-${GO}/bin`)}:${process.env['PATH'] ?? ''}`, HOME: work },
    ...{
      GOPATH: join(work, 'gopath'),
      GOCACHE: join(work, 'cache'),
      GO111MODULE: 'off',
      CGO_ENABLED: '0',
      GOFLAGS: '',
    },
  }
  const run = (command: string, ...args: readonly string[]): void => {
    console.error([command, ...args].join(' ').slice(0, 100))
    const file = openSync(log, 'a')
    try {
      execFileSync('nice', [command, ...args], { cwd: source, env, stdio: ['ignore', file, file] })
    } catch (error) {
      throw new Error(`${command} failed:\n${readFileSync(log, 'utf8').slice(-4_000)}`, { cause: error })
    }
  }
  console.error(`building kube-apiserver ${VERSION}, which takes some minutes; ${log}`)
  const generator = join(work, 'openapi-gen')
  run('go', 'build', '-o', generator, './vendor/k8s.io/kube-openapi/cmd/openapi-gen')
  run(generator, ...generatorArguments(source, work))
  run('go', 'build', '-ldflags', LINKER_FLAGS, '-o', join(work, 'kube-apiserver'), './cmd/kube-apiserver')
  renameSync(join(work, 'kube-apiserver'), program)
  rmSync(work, { recursive: true })
}

/** Returns what Kubernetes' own build gives it: all packages that ask for it, described in one file (Makefile.generated_files). */
function generatorArguments(source: string, work: string): string[] {
  const files = globSync(['pkg/**/*.go', 'staging/src/k8s.io/**/*.go'], { cwd: source })
  const isDescribed = (file: string): boolean =>
    !/\/(code-generator|sample-apiserver|_examples|testdata)\//.test(file) &&
    /^\/\/ *\+k8s:openapi-gen=/m.test(readFileSync(join(source, file), 'utf8'))
  const packages = new Set(
    files.filter(isDescribed).map((file) => {
      const dir = file.slice(0, file.lastIndexOf('/')).replace('staging/src', 'vendor')
      return `k8s.io/kubernetes/${dir}`
    }),
  )
  return [
    ...['--logtostderr', '-i', [...packages].sort().join(','), '-p', `k8s.io/kubernetes/${OPENAPI}`],
    ...['-O', 'zz_generated.openapi', '-h', 'vendor/k8s.io/code-generator/hack/boilerplate.go.txt'],
    ...['-r', join(work, 'violations')],
  ]
}

const [MAJOR = '', MINOR = ''] = VERSION.split('.')
const LINKER_FLAGS = [
  '-s -w',
  ...['component-base/version', 'client-go/pkg/version'].flatMap((name) =>
    Object.entries({ gitVersion: `v${VERSION}`, gitMajor: MAJOR, gitMinor: MINOR }).map(
      ([variable, value]) => `-X ${VENDOR}/${name}.${variable}=${value}`,
    ),
  ),
].join(' ')
