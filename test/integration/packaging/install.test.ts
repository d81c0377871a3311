/** What `npm pack` makes of the repository, and that installed elsewhere, under the oldest Node that is supported and a newer one. */
import assert from 'node:assert/strict'
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  globSync,
  lstatSync,
  readdirSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { builtinModules } from 'node:module'
import { dirname, join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { preProcessFile } from 'typescript'
import { manPages } from '../../../scripts/manual/man-page.ts'
import { SCRIPTS } from '../../../src/cli/completion/completion.ts'
import { Child } from '../../support/processes/child.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import {
  InstalledProgram,
  oldestToolchain,
  outdatedNode,
  ownToolchain,
  packRepository,
  ROOT,
} from '../../support/router/package.ts'
import { freePorts, listens } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { Wire } from '../proxy/support/wire.ts'
import { FakeMember, SYSTEM_ID } from '../watcher/fake-member.ts'

type Manifest = {
  readonly version: string
  readonly man: readonly string[]
  readonly engines: { readonly node: string }
}

const { version, engines } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
/** AuthenticationOk, as the member's Postgres answers to anything. */
const WELCOME = 'R\0\0\0\x17\0\0\0\x0a'
const STARTUP = '\0\0\0\x17\0\x03\0\0user\0postgres\0\0'

let dir: TempDir
let etcd: EtcdCluster
let programs: Readonly<Record<string, InstalledProgram>>
/** Where `npm install --global` puts everything. */
let prefix: string
/** The unpacked tarball. */
let root: string
let manifest: {
  readonly scripts: Readonly<Record<string, string>>
  readonly man: readonly string[]
  readonly dependencies: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional: boolean }>>
}

before(async () => {
  dir = TempDir.create('install')
  etcd = await EtcdCluster.start()
  const [tarball, oldest] = await Promise.all([
    packRepository(dir.mkdir('pack')),
    oldestToolchain(dir.mkdir('oldest-node')),
  ])
  prefix = dir.mkdir('prefix')
  const [first, second] = await Promise.all([
    InstalledProgram.install(tarball, oldest, dir.mkdir('under-the-oldest')),
    InstalledProgram.installGlobally(tarball, ownToolchain(dir.mkdir('own-node')), prefix),
  ])
  programs = { oldest: first, newer: second }
  execFileSync('tar', ['-xzf', tarball, '-C', dir.mkdir('unpacked')])
  root = join(dir.path, 'unpacked/package')
  manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as typeof manifest
})
after(async () => {
  await etcd.close()
  await dir.remove()
})

test('the oldest Node that is tried is the oldest that package.json admits, and ours is newer', () => {
  const number = (text: string): number => {
    const [, major = '', minor = ''] = /(\d+)\.(\d+)/.exec(text) ?? []
    return Number(major) * 1000 + Number(minor)
  }
  const oldest = programs['oldest']?.tools.version ?? ''
  assert.match(engines.node, /^>=\d+\.\d+$/)
  // For other kinds of machine npm has the version after it.
  assert.equal(number(oldest), number(engines.node) + (process.arch === 'x64' ? 0 : 1))
  assert.ok(number(process.version) > number(oldest))
})

test('npm install --global brings man pages that man finds, and what completes the command line in a real bash', () => {
  const env = {
    PATH: `${join(prefix, 'bin')}:${dirname(process.execPath)}:/usr/bin:/bin`,
    LC_ALL: 'C.UTF-8',
    MANWIDTH: '100',
  }
  const { man } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as Manifest
  for (const file of man) {
    const [, name = '', section = ''] = /([^/]+)\.(\d)$/.exec(file) ?? []
    const { status, stdout, stderr } = spawnSync('man', ['-M', join(prefix, 'share/man'), section, name], {
      env,
      encoding: 'utf8',
    })
    assert.deepEqual([status, stderr], [0, ''])
    assert.match(stdout, new RegExp(`^ +${name} +- `, 'm'))
    assert.ok(stdout.includes(`patroni-router ${version}`))
  }
  const words = `COMP_WORDS=(patroni-router sta); COMP_CWORD=1; _patroni_router; echo "\${COMPREPLY[@]}"`
  const command = `source <(patroni-router completion bash); complete -p patroni-router; ${words}`
  const bash = spawnSync('bash', ['--norc', '-c', command], { env, encoding: 'utf8' })
  assert.deepEqual([bash.stdout, bash.stderr], ['complete -F _patroni_router patroni-router\nstatus\n', ''])
})

for (const major of [4, 12, 20]) {
  test(`under Node ${major} it says which one is needed, which one that is, and where to read on`, async () => {
    const node = await outdatedNode(dir.mkdir(`node-${major}`), major)
    for (const args of [['--version'], ['track', 'primary']]) {
      const { status, stdout, stderr } = spawnSync(node, [programs['oldest']?.bin ?? '', ...args], { encoding: 'utf8' })
      assert.deepEqual([status, stdout], [2, ''], stderr)
      assert.match(stderr, new RegExp(`^patroni-router needs Node\\.js 22\\.19 or newer, and this is v${major}\\.`))
      assert.match(stderr, /"A current Node\.js" in the README/)
      assert.equal(stderr.trim().split('\n').length, 2)
      assert.ok(stderr.includes(engines.node.replace('>=', '')))
    }
  })
}

for (const which of ['oldest', 'newer']) {
  describe(`the tarball installed under the ${which} Node`, { concurrency: true }, () => {
    let program: InstalledProgram
    let elsewhere: string

    before(() => {
      const installed = programs[which]
      assert.ok(installed)
      program = installed
      elsewhere = dir.mkdir(`elsewhere-${which}`)
    })

    test('lies there by itself, with all its dependencies and without the optional ones', async () => {
      const home = join(program.modules, 'patroni-router')
      assert.equal(lstatSync(home).isSymbolicLink(), false)
      assert.equal(realpathSync(program.bin), join(home, 'dist/main.js'))
      const listed = await program.npm('list what is installed', ['ls', '--all', '--omit=dev', '--json'])
      assert.equal((JSON.parse(listed) as { problems?: string[] }).problems, undefined)
      assert.equal(existsSync(join(program.modules, '@electric-sql')), false)
    })

    test('says its version, and its help names the commands', async () => {
      assert.deepEqual(await program.run(elsewhere, '--version'), { code: 0, stdout: `${version}\n`, stderr: '' })
      const help = await program.run(elsewhere, '--help')
      assert.equal(help.code, 0, help.stderr)
      for (const command of ['run', 'check', 'status']) assert.match(help.stdout, new RegExp(`^  ${command} `, 'm'))
    })

    test('checks a configuration: 0 for a good one, 2 for a bad one with the line', async () => {
      const file = join(elsewhere, 'check.yml')
      const [port = 0] = await freePorts(1)
      const proxy = `proxy: {listeners: {p: {bind: '127.0.0.1:${port}', route: primary}}}\n`
      writeFileSync(file, `scope: demo\netcd3: {hosts: [127.0.0.1:2379]}\n${proxy}`)
      const good = await program.run(elsewhere, 'check', '-c', file)
      assert.deepEqual([good.code, good.stderr], [0, ''])
      assert.match(good.stdout, /^configuration is valid\n/)
      writeFileSync(file, 'scope: demo\netcd3: {hosts: [127.0.0.1:2379]}\nproxi: {}\n')
      const bad = await program.run(elsewhere, 'check', '-c', 'check.yml')
      assert.deepEqual([bad.code, bad.stdout], [2, ''])
      assert.match(bad.stderr, /check\.yml:3.*proxi.*proxy/)
    })

    test('runs: follows etcd, answers status, serves a client, renders a template, ends with 0 after SIGTERM', async () => {
      const [primary = 0, replicas = 0] = await freePorts(2)
      const socket = join(elsewhere, 'admin.sock')
      const config = {
        scope: 'demo',
        namespace: which,
        etcd3: { hosts: etcd.hosts },
        proxy: {
          listeners: {
            primary: { bind: `127.0.0.1:${primary}`, route: 'primary' },
            replicas: { bind: `127.0.0.1:${replicas}`, route: 'replica' },
          },
        },
        admin: { socket, bind: 'off' },
        templates: [{ source: 'one.hbs', destination: join(elsewhere, 'one.conf') }],
      }
      writeFileSync(join(elsewhere, 'run.yml'), JSON.stringify(config))
      writeFileSync(join(elsewhere, 'one.hbs'), '{{primary.name}} {{toUpper scope}}\n')
      const events: unknown[] = []
      const onLine = (line: string): unknown => events.push((JSON.parse(line) as { event?: string }).event)
      const options = { cwd: elsewhere, env: { PATH: program.tools.path }, logFile: join(elsewhere, 'log'), onLine }
      const router = await Child.start(program.bin, ['run', '-c', 'run.yml'], options)
      await router.until('it has started', () => events.includes('started') && listens(primary) && listens(replicas))
      assert.equal(realpathSync(`/proc/${router.pid}/exe`), realpathSync(join(program.tools.path, 'node')))
      await router.until('it reads etcd', () => events.includes('dcs-up'))
      const status = () => program.run(elsewhere, 'status', '--socket', socket)
      const before = await status()
      assert.equal(before.code, 1, before.stderr)
      assert.match(before.stdout, /^primary: NONE/)

      await using member = await FakeMember.start('pg0', 'primary')
      const put = (key: string, value: string) => etcd.client.put(`/${which}/demo/${key}`, value)
      await put('initialize', SYSTEM_ID)
      await put('members/pg0', member.key())
      await put('leader', 'pg0')
      await until('status shows a primary', async () => /^primary: pg0 OPEN/.test((await status()).stdout))
      const client = await Wire.to(primary)
      await client.send(STARTUP).got(WELCOME)
      await client.over()

      const rendered = join(elsewhere, 'one.conf')
      await until(
        'the template is rendered',
        () => existsSync(rendered) && readFileSync(rendered, 'utf8') === 'pg0 DEMO\n',
      )
      client.socket.destroy()
      assert.deepEqual(await router.stop(), { code: 0, signal: null }, router.log())
      assert.equal(existsSync(socket), false)
      // A router that runs would put the file right again with its next pass.
      writeFileSync(rendered, 'by hand\n')
      const diff = await program.run(elsewhere, 'render', '-c', 'run.yml', '--diff')
      assert.deepEqual([diff.code, diff.stderr], [0, ''])
      assert.match(diff.stdout, /^-by hand\n\+pg0 DEMO$/m)
    })
  })
}

const files = (pattern: string, cwd: string): string[] =>
  globSync(pattern, { cwd })
    .filter((file) => statSync(join(cwd, file)).isFile())
    .toSorted()

test('the tarball has the compiled program, its man pages and completion, the examples and the documents, and nothing else', () => {
  const documents = ['CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE', 'README.md', 'SECURITY.md']
  assert.deepEqual(readdirSync(root).toSorted(), [...documents, 'dist', 'docs', 'examples', 'package.json'])
  const compiled = files('**/*', join(ROOT, 'src')).map((file) => file.replace(/\.ts$/, '.js'))
  const man = manPages().map(({ file }) => `man/${file}`)
  const completion = Object.values(SCRIPTS).map(({ file }) => `completion/${file}`)
  assert.deepEqual(files('**/*', join(root, 'dist')), [...compiled, ...man, ...completion].toSorted())
  for (const folder of ['docs', 'examples'])
    assert.deepEqual(files(`${folder}/**/*`, root), files(`${folder}/**/*`, ROOT))
})

test('nothing in the tarball points to the repository that it was made in', () => {
  for (const file of files('**/*', root)) {
    const text = readFileSync(join(root, file), 'utf8')
    for (const path of [ROOT, dir.path]) assert.ok(!text.includes(path), `${file} mentions ${path}`)
    assert.doesNotMatch(text, /^\/\/# sourceMappingURL=/m, `${file} has a map of sources that are not there`)
  }
})

test('the manifest names every man page, so that npm installs it', () => {
  assert.deepEqual(
    manifest.man,
    manPages().map(({ file }) => `./dist/man/${file}`),
  )
})

test('the completion in the tarball is what the command prints', () => {
  for (const { file, text } of Object.values(SCRIPTS))
    assert.equal(readFileSync(join(root, 'dist/completion', file), 'utf8'), text())
})

test('the program is executable, by the node that is on the PATH', () => {
  const main = join(root, 'dist/main.js')
  assert.equal(statSync(main).mode & 0o777, 0o755)
  assert.ok(readFileSync(main, 'utf8').startsWith('#!/usr/bin/env node\n'))
})

test('installing the tarball runs no script of its own', () => {
  const run = ['preinstall', 'install', 'postinstall']
  assert.deepEqual(
    run.filter((name) => name in manifest.scripts),
    [],
  )
})

test('the program imports its dependencies and optional peers, each of them and nothing else', () => {
  const { dependencies, peerDependencies: peers = {}, peerDependenciesMeta: meta = {} } = manifest
  const imported = files('dist/**/*.js', root)
    .flatMap((file) => preProcessFile(readFileSync(join(root, file), 'utf8')).importedFiles)
    .map(({ fileName }) => fileName)
    .filter((name) => !/^\.|^node:/.test(name))
    .map((name) => name.split('/', name.startsWith('@') ? 2 : 1).join('/'))
  assert.deepEqual([...new Set(imported)].toSorted(), Object.keys({ ...dependencies, ...peers }).toSorted())
  assert.deepEqual(
    imported.filter((name) => builtinModules.includes(name)),
    [],
  )
  assert.ok(Object.keys(peers).every((name) => meta[name]?.optional === true))
})
