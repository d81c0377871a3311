import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { formatProblems } from '../../../src/config/file/problem.ts'
import { fingerprintOf } from '../../../src/config/read.ts'
import { explain, RouterError } from '../../../src/errors.ts'
import { readConfig } from '../../support/router/load-config.ts'
import { isEtcd3 } from '../../../src/watcher/dcs/etcd3/section.ts'

let directory = ''
const path = (name: string): string => join(directory, name)

before(async () => {
  directory = await mkdtemp(join(tmpdir(), 'patroni-router-config-'))
  for (const name of ['flag', 'variable', 'default'])
    await writeFile(path(`${name}.yml`), `scope: ${name}\netcd3: {hosts: a}\n`)
})

after(async () => {
  await rm(directory, { recursive: true })
})

async function scope(configFlag: string | null, variable: string, defaultFile: string): Promise<unknown> {
  const env = { PATRONI_ROUTER_CONFIG: variable, PATRONI_ETCD3_HOSTS: 'b' }
  const result = await readConfig({ configFlag, env, defaultFile })
  if (!result.ok) return result.problems.map((problem) => problem.path)
  return [result.config.clusters[0]?.scope, result.config.file]
}

test('-c FILE comes before the variable, and that before the default file', async () => {
  const [flag, variable, fallback] = [path('flag.yml'), path('variable.yml'), path('default.yml')]
  assert.deepEqual(await scope(flag, variable, fallback), ['flag', flag])
  assert.deepEqual(await scope(null, variable, fallback), ['variable', variable])
  assert.deepEqual(await scope(null, '', fallback), ['default', fallback])
})

test('a default file that is not there leaves the environment alone', async () => {
  assert.deepEqual(await scope(null, '', path('missing.yml')), ['scope'])
  const env = { PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: 'b' }
  const result = await readConfig({ configFlag: null, env, defaultFile: path('missing.yml') })
  assert.ok(result.ok)
  assert.equal(result.config.file, null)
})

for (const [title, flag, variable] of [
  ['with -c', 'missing.yml', ''],
  ['by the variable', null, 'missing.yml'],
] as const)
  test(`a file named ${title} that is not there is an error that names it`, async () => {
    const reading = scope(flag && path(flag), variable && path(variable), path('default.yml'))
    await assert.rejects(reading, (error: unknown) => {
      assert.ok(error instanceof RouterError)
      assert.equal(error.code, 'CONFIG_UNREADABLE')
      assert.ok(error.message.includes(path('missing.yml')))
      return true
    })
  })

test('a file that is there and cannot be read is an error, also the default one', async () => {
  await assert.rejects(scope(null, '', directory), { code: 'CONFIG_UNREADABLE' })
})

async function inDirectory(name: string, files: Readonly<Record<string, string>>): Promise<string> {
  const place = path(name)
  await mkdir(place)
  for (const [file, text] of Object.entries(files)) await writeFile(join(place, file), text)
  return place
}

test('of a directory the *.yml and *.yaml are read in order of their names, each over those before', async () => {
  const place = await inDirectory('patroni.d', {
    '10-host.yml': "name: a\netcd3: {hosts: '10.0.0.1:2379'}\nctl:\n",
    '00-common.yml': 'scope: shop\nname: other\netcd3: {host: x, protocol: https}\nctl: {insecure: yes}\n',
    '20-more.yaml': 'namespace: teams\n',
    'README.md': '[',
    'old.yml.bak': '[',
  })
  await symlink('nowhere', join(place, '30-gone.yml'))
  await mkdir(join(place, '40-directory.yml'))
  for (const source of [
    { configFlag: place, env: {} },
    { configFlag: null, env: { PATRONI_ROUTER_CONFIG: place } },
  ]) {
    const result = await readConfig(source)
    assert.ok(result.ok)
    const [cluster] = result.config.clusters
    assert.deepEqual([cluster?.scope, cluster?.localMember, cluster?.namespace], ['shop', 'a', 'teams'])
    assert.deepEqual(cluster !== undefined && isEtcd3(cluster.dcs) && [cluster.dcs.endpoints, cluster.dcs.protocol], [
      ['10.0.0.1:2379'],
      'https',
    ])
    assert.equal(cluster?.restApi.insecure, false)
    assert.equal(result.config.file, join(place, '*.yml'))
    assert.deepEqual(result.warnings, [
      `${place}/00-common.yml:3:9: etcd3.host: not used: etcd3.hosts takes precedence`,
    ])
  }
})

test('faults in a directory are reported with the file and the line', async () => {
  const place = await inDirectory('wrong.d', {
    'a.yml': 'scope: shop\nproxy:\n  hold: {timeout: 5}\n  max_connections: 3\n',
    'b.yml': "etcd3: {hosts: 'a:x'}\nproxy:\n  max_connections: -1\n",
  })
  const result = await readConfig({ configFlag: place, env: {} })
  assert.ok(!result.ok)
  assert.deepEqual(
    result.problems.map(({ file, line, path: key }) => [file, line, key]),
    [
      [join(place, 'a.yml'), 3, 'proxy.hold.timeout'],
      [join(place, 'b.yml'), 1, 'etcd3.hosts'],
      [join(place, 'b.yml'), 3, 'proxy.max_connections'],
    ],
  )
  await writeFile(join(place, 'a.yml'), 'scope: [\n')
  await writeFile(join(place, 'b.yml'), '- a\n')
  const broken = await readConfig({ configFlag: place, env: {} })
  assert.ok(!broken.ok)
  assert.deepEqual(
    broken.problems.map(({ file }) => file),
    [join(place, 'a.yml'), join(place, 'b.yml')],
  )
})

test('relative paths start in the directory, and none of its files is written over', async () => {
  const place = await inDirectory('paths.d', {
    'a.yml': 'scope: shop\nfile: {path: cluster.txt}\n',
    'b.yml': `templates: [{source: x.hbs, destination: ${path('paths.d')}/a.yml}, {source: y, destination: /tmp/y}]\n`,
  })
  const result = await readConfig({ configFlag: place, env: {} })
  assert.ok(!result.ok)
  assert.match(result.problems.map(({ message }) => message).join(), /^is the configuration file$/)
  await writeFile(join(place, 'b.yml'), 'templates: [{source: x.hbs, destination: /tmp/y}]\n')
  const mended = await readConfig({ configFlag: place, env: {} })
  assert.ok(mended.ok)
  assert.equal(mended.config.templates[0]?.source, join(place, 'x.hbs'))
  assert.deepEqual(mended.config.clusters[0]?.dcs, { kind: 'file', path: join(place, 'cluster.txt') })
})

test('a directory without a file leaves the environment, with a warning', async () => {
  const place = await inDirectory('empty.d', {})
  const env = { PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: 'b' }
  const result = await readConfig({ configFlag: place, env })
  assert.ok(result.ok)
  assert.deepEqual(result.warnings, [`${place}: has no *.yml or *.yaml`])
})

test('PATRONI_CONFIGURATION is the whole configuration where there is no file', async () => {
  const defaultFile = path('missing.yml')
  const whole = "scope: shop\netcd3: {hosts: '10.0.0.1:2379'}\nproxy: {hold: {timeout: 5s}}\n"
  const env = { PATRONI_CONFIGURATION: whole, PATRONI_SCOPE: 'other', PATRONI_ETCD_HOSTS: 'a', HOME: '/root' }
  const result = await readConfig({ configFlag: null, env, defaultFile })
  assert.ok(result.ok)
  const [cluster] = result.config.clusters
  assert.deepEqual([cluster?.scope, cluster?.proxy.hold.timeoutMs, result.config.file], ['shop', 5000, null])
  assert.deepEqual(result.warnings, [
    'environment: PATRONI_CONFIGURATION: is the whole configuration, as in Patroni; not used: PATRONI_ETCD_HOSTS, PATRONI_SCOPE',
  ])
})

test('faults in PATRONI_CONFIGURATION are reported with the variable and the line', async () => {
  const defaultFile = path('missing.yml')
  for (const [text, problem] of [
    ['scope: shop\netcd3: {hosts: "a:x"}', 'PATRONI_CONFIGURATION:2:9: etcd3.hosts: must be an address like'],
    ['scope: shop\netcd3: [', 'PATRONI_CONFIGURATION:2:9: not valid YAML'],
    ['scope: shop', 'PATRONI_CONFIGURATION: etcd3.hosts: no DCS is configured'],
    // Patroni has a section here where there is none in a file.
    [
      'scope: shop\netcd:\netcd3: {hosts: a}',
      'PATRONI_CONFIGURATION:2:1: etcd.hosts: no address of etcd: set etcd.hosts',
    ],
  ] as const) {
    const result = await readConfig({ configFlag: null, env: { PATRONI_CONFIGURATION: text }, defaultFile })
    assert.ok(!result.ok)
    const shown = formatProblems(result.problems)
    assert.ok(shown.startsWith(problem), shown)
  }
})

test('an empty PATRONI_CONFIGURATION leaves the rest of the environment, and beside a file it is not used', async () => {
  const env = { PATRONI_CONFIGURATION: '{}', PATRONI_SCOPE: 'demo', PATRONI_ETCD3_HOSTS: 'b' }
  const result = await readConfig({ configFlag: null, env, defaultFile: path('missing.yml') })
  assert.ok(result.ok)
  assert.equal(result.config.clusters[0]?.scope, 'demo')
  const file = path('flag.yml')
  const beside = await readConfig({ configFlag: file, env: { PATRONI_CONFIGURATION: 'scope: x' } })
  assert.ok(beside.ok)
  assert.equal(beside.config.clusters[0]?.scope, 'flag')
  assert.deepEqual(beside.warnings, [
    `environment: PATRONI_CONFIGURATION: not used: ${file} takes precedence, as in Patroni`,
  ])
})

test('why a file cannot be read is one sentence, which names it once', async () => {
  await writeFile(path('wide.yml'), Buffer.from([0xff, 0xfe, 0x73, 0x00]))
  for (const [configFlag, why] of [
    [path('nope.yml'), 'no such file'],
    [path('wide.yml'), 'is not in UTF-8'],
  ] as const) {
    const error: unknown = await readConfig({ configFlag, env: {} }).catch((reason: unknown) => reason)
    assert.equal(explain(error), `cannot read the configuration file ${configFlag}: ${why}`)
  }
})

test('a file that is not in UTF-8 is an error that names it', async () => {
  const place = await inDirectory('latin1.d', { 'a.yml': 'scope: a\n' })
  await writeFile(join(place, 'b.yml'), Buffer.from('name: caf\xe9\n', 'latin1'))
  for (const configFlag of [place, join(place, 'b.yml')])
    await assert.rejects(
      readConfig({ configFlag, env: {} }),
      /cannot read the configuration file .*b\.yml: is not in UTF-8/,
    )
})

/** Does one thing after the other, and returns whether each has changed the fingerprint. */
async function changedBy(configFlag: string, steps: readonly (() => Promise<unknown>)[]): Promise<readonly boolean[]> {
  const changed: boolean[] = []
  for (const step of steps) {
    const before = await fingerprintOf({ configFlag, env: {} })
    assert.equal(await fingerprintOf({ configFlag, env: {} }), before)
    await step()
    changed.push((await fingerprintOf({ configFlag, env: {} })) !== before)
  }
  return changed
}

test('the fingerprint of a file is another one when it was written, replaced, removed or made', async () => {
  const file = path('print.yml')
  await writeFile(file, 'a')
  const steps = [
    () => writeFile(file, 'b'),
    () => writeFile(`${file}.new`, 'b').then(() => rename(`${file}.new`, file)),
    () => rm(file),
    () => writeFile(file, 'b'),
    () => writeFile(path('beside.yml'), 'b'),
  ]
  assert.deepEqual(await changedBy(file, steps), [true, true, true, true, false])
})

test('the fingerprint of a directory is that of its files that are read', async () => {
  const conf = path('print.d')
  await mkdir(conf)
  const steps = [
    () => writeFile(join(conf, '10.yml'), 'a'),
    () => writeFile(join(conf, '20.yaml'), 'a'),
    () => writeFile(join(conf, '10.yml'), 'b'),
    () => writeFile(join(conf, 'notes.txt'), 'a'),
    () => rm(join(conf, '20.yaml')),
  ]
  assert.deepEqual(await changedBy(conf, steps), [true, true, true, false, true])
})

test('the fingerprint follows the links of a ConfigMap', async () => {
  const mount = path('mount')
  for (const version of ['..1', '..2']) {
    await mkdir(join(mount, version), { recursive: true })
    await writeFile(join(mount, version, 'config.yml'), 'a')
  }
  await symlink('..1', join(mount, '..data'))
  await symlink('..data/config.yml', join(mount, 'config.yml'))
  const swap = (): Promise<void> =>
    symlink('..2', join(mount, '..tmp')).then(() => rename(join(mount, '..tmp'), join(mount, '..data')))
  assert.deepEqual(await changedBy(join(mount, 'config.yml'), [swap]), [true])
})

test('a running router reads no pipe, which may be without a writer; a start waits for the writer', async () => {
  const pipe = path('pipe.yml')
  execFileSync('mkfifo', [pipe])
  await assert.rejects(
    readConfig({ configFlag: pipe, env: {}, isAgain: true }),
    /pipe\.yml: is not a regular file, so it is read only at the start$/,
  )
  const [result] = await Promise.all([
    readConfig({ configFlag: pipe, env: {} }),
    writeFile(pipe, 'scope: demo\netcd3: {hosts: a}\n'),
  ])
  assert.ok(result.ok)
})

test('a file that is too large to be a configuration is not parsed, on its own or in a directory', async () => {
  const place = await inDirectory('large.d', { 'a.yml': '#'.repeat(1024 * 1024 + 1) })
  const large = /a\.yml: is larger than 1048576 bytes$/
  await assert.rejects(readConfig({ configFlag: place, env: {} }), large)
  await assert.rejects(readConfig({ configFlag: join(place, 'a.yml'), env: {}, isAgain: true }), large)
})
