import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { runProgram } from '../../../src/cli/program.ts'
import { TempDir } from '../../support/files/temp.ts'
import { FakeIo } from '../../support/router/fake-io.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')
const ENOUGH = { PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: 'etcd1:2379' }
let dir: TempDir
before(() => (dir = TempDir.create('cli')))
after(() => dir.remove())

interface Result {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** The real command line, as a process of its own. */
function patroniRouter(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<Result> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...args], { env: { ...env }, cwd: dir.path }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, stdout, stderr }),
    )
  })
}

function file(name: string, text: string): string {
  const path = join(dir.path, name)
  writeFileSync(path, text)
  return path
}

test('ends with 2 and says what is wrong with the command line', async () => {
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [[], /^Usage: patroni-router <COMMAND>/],
    [
      ['statsu'],
      /^patroni-router: unknown command 'statsu'\n\(Did you mean status\?\)\nSee "patroni-router --help"\.\n$/,
    ],
    [
      ['status', '--wach'],
      /^patroni-router: unknown option '--wach'\n\(Did you mean --watch\?\)\nSee "patroni-router status --help"\.\n$/,
    ],
    [['status', '--watch', 'soon'], /from 0\.1 to 86400/],
    [['status', '--watch', '0'], /from 0\.1 to 86400/],
    [['status', '--socket'], /argument missing/],
    [['check', 'config.yml'], /too many arguments/],
    [['run', '-c'], /argument missing/],
  ]
  for (const [args, message] of cases) {
    const io = new FakeIo()
    assert.equal(await runProgram(args, io), 2, args.join(' '))
    assert.match(io.stderr, message)
    assert.equal(io.stdout, '')
  }
})

test('shows help and version on standard output and ends with 0', async () => {
  const cases: readonly (readonly [args: readonly string[], message: RegExp])[] = [
    [['--help'], /Examples:[^]*\/etc\/patroni-router\/config\.yml[^]*3 {2}no router answers/],
    [['help', 'status'], /Exit codes:/],
    [['run', '-h'], /Exit codes:/],
    [['check', '--help'], /--online[^]*Exit codes:/],
    [['--version'], /^1\.2\.3\n$/],
  ]
  for (const [args, message] of cases) {
    const io = new FakeIo()
    assert.equal(await runProgram(args, io), 0, args.join(' '))
    assert.match(io.stdout, message)
    assert.equal(io.stderr, '')
  }
})

test('has the same exit codes as a process', async () => {
  const socket = join(dir.path, 'nobody.sock')
  const results = await Promise.all([
    patroniRouter(['--version']),
    patroniRouter(['check', '--startup'], ENOUGH),
    patroniRouter(['check', '--offline'], ENOUGH),
    patroniRouter(['run', '-c', 'missing.yml']),
    patroniRouter(['status', '--socket', socket]),
  ])
  assert.deepEqual(
    results.map(({ code }) => code),
    [0, 0, 2, 2, 3],
  )
  const [version, check, option, run, status] = results
  assert.match(version.stdout, /^\d+\.\d+\.\d+/)
  assert.match(check.stdout, /^configuration is valid\n/)
  assert.match(option.stderr, /unknown option '--offline'/)
  assert.match(run.stderr, /missing\.yml/)
  assert.match(status.stderr, /no router answers on .*nobody\.sock: .*\n$/)
})

test('checks a valid configuration and says what would run', async () => {
  const io = new FakeIo(ENOUGH)
  assert.equal(await runProgram(['check', '--startup'], io), 0)
  assert.match(io.stdout, /^configuration is valid\n {2}cluster +demo in namespace service\n/)
  assert.match(io.stdout, /^ {2}DCS +etcd3 over http at etcd1:2379 /m)
  assert.match(io.stdout, /^ {2}listener +primary on \*:5000, route primary\n {2}listener +replicas on \*:5001/m)
  // Those ports may well be taken where the tests run.
  assert.doesNotMatch(io.stderr.replaceAll(/^warning: .*: the port is in use.*\n/gm, ''), /./)
})

test('lists every problem of a configuration on standard error', async () => {
  const config = file('bad.yml', 'scope: demo\nproxy:\n  hold: {timeuot: 1s}\n  max_connections: -1\n')
  for (const command of ['check', 'run']) {
    const io = new FakeIo()
    assert.equal(await runProgram([command, '-c', config], io), 2)
    assert.match(io.stderr, /bad\.yml:3:.*timeuot/)
    assert.match(io.stderr, /bad\.yml:4:.*max_connections/)
    assert.match(io.stderr, /etcd3/)
    assert.equal(io.stdout, '')
  }
})

test('reports files that are missing or no files, and host names that do not resolve', async () => {
  mkdirSync(join(dir.path, 'directory'))
  const config = file(
    'files.yml',
    `scope: demo
etcd3: {hosts: ['etcd1:2379']}
ctl: {cacert: ${dir.path}/missing.crt, certfile: ${dir.path}/directory, keyfile: ${file('key.pem', '')}}
proxy:
  listeners:
    nowhere: {bind: 'does-not-exist.invalid:5000', route: primary}
`,
  )
  const io = new FakeIo()
  assert.equal(await runProgram(['check', '-c', config], io), 2)
  assert.match(io.stderr, /missing\.crt: no such file/)
  assert.match(io.stderr, /directory: is not a file/)
  assert.match(io.stderr, /does-not-exist\.invalid/)
  assert.doesNotMatch(io.stderr, /key\.pem/)
  assert.equal(io.stdout, '')
})

test('warns of an address that this machine does not have, since a virtual one comes and goes', async () => {
  const config = file(
    'vip.yml',
    `scope: demo
etcd3: {hosts: ['etcd1:2379']}
proxy:
  listeners:
    vip: {bind: '192.0.2.7:5000', route: primary}
    own: {bind: '127.0.0.1:5001', route: replica}
`,
  )
  const io = new FakeIo()
  assert.equal(await runProgram(['check', '-c', config], io), 0)
  assert.match(io.stderr, /^warning: proxy\.listeners\.vip\.bind: 192\.0\.2\.7: not an address of this machine now\n$/)
})

test('asks the DCS with --online, and ends with 1 when it does not answer', async () => {
  const io = new FakeIo({ PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: '127.0.0.1:1' })
  assert.equal(await runProgram(['check', '--online', '--startup'], io), 1)
  assert.match(io.stdout, /^configuration is valid\n/)
  assert.match(io.stderr, /^FAILED {2}DCS at 127\.0\.0\.1:1: no connection: connect ECONNREFUSED\n$/m)
})
