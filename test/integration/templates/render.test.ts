/** `render` on a real etcd, with members that answer as the test wants and commands that are really run. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import pino from 'pino'
import { stringify } from 'yaml'
import { Lookups } from '../../../src/names/lookups.ts'
import { firstView } from '../../../src/cli/first-view.ts'
import { runProgram } from '../../../src/cli/program.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { freePort } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { FakeIo } from '../../support/router/fake-io.ts'
import { FakeMember, SYSTEM_ID } from '../watcher/fake-member.ts'
import { clusterConfig } from '../watcher/watched.ts'

const PRIMARY = 'primary {{primary.address}}\n'
const REPLICAS = '{{#each replicas}}\nreplica {{name}}\n{{/each}}\n'

interface Rendered {
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

describe('render', () => {
  let etcd: EtcdCluster
  let dir: TempDir
  let pg0: FakeMember
  let pg1: FakeMember

  const put = (key: string, value: string): Promise<number> => etcd.client.put(`/service/demo/${key}`, value)
  const path = (name: string): string => join(dir.path, name)
  const read = (name: string): string => readFileSync(path(name), 'utf8')

  /** `templates`: their paths are in the temporary directory. */
  function configure(...templates: readonly (Readonly<Record<string, unknown>> & { text: string })[]): void {
    const entries = templates.map(({ text, ...template }, index) => {
      writeFileSync(path(`${index}.hbs`), text)
      return { source: `${index}.hbs`, destination: path('out.cfg'), ...template }
    })
    const config = {
      scope: 'demo',
      etcd3: { hosts: etcd.hosts, use_proxies: true },
      admin: { socket: path('admin.sock') },
      proxy: { check: { timeout: '500ms' } },
      state_dir: path('state'),
      templates: entries,
    }
    writeFileSync(path('config.yml'), stringify(config))
  }

  /** In what is printed the path of the temporary directory is left out. */
  async function render(
    options: readonly string[] = [],
    io = new FakeIo({ PATH: process.env['PATH'] }),
  ): Promise<Rendered> {
    const code = await runProgram(['render', '-c', path('config.yml'), ...options], io)
    const [stdout, stderr] = [io.stdout, io.stderr].map((text) => text.replaceAll(`${dir.path}/`, ''))
    return { code, stdout: stdout ?? '', stderr: stderr ?? '' }
  }

  before(async () => (etcd = await EtcdCluster.start()))
  after(async () => etcd.close())

  beforeEach(async () => {
    dir = TempDir.create('render')
    await etcd.client.deletePrefix('/')
    pg0 = await FakeMember.start('pg0', 'primary')
    pg1 = await FakeMember.start('pg1', 'replica')
    await put('initialize', SYSTEM_ID)
    await put('config', '{"ttl":20}')
    await put('members/pg0', pg0.key())
    await put('members/pg1', pg1.key())
    await put('leader', 'pg0')
  })
  afterEach(async () => {
    await pg0[Symbol.asyncDispose]()
    await pg1[Symbol.asyncDispose]()
    await dir.remove()
  })

  test('waits until the cluster is known, writes each file, reloads once, and does nothing the second time', async () => {
    pg1.delayMs = 100
    await etcd.client.put('/app/db/name', 'orders')
    configure(
      {
        text: PRIMARY,
        reload_group: 'lb',
        check: 'grep primary {{staged}} >> checked',
        reload: 'echo run >> reloaded',
      },
      { text: REPLICAS, destination: path('replicas.cfg'), reload_group: 'lb' },
      { text: '{{getv "/db/name"}}\n', destination: path('name.cfg'), prefix: '/app', keys: ['/db'], mode: '0600' },
    )
    const written = 'written out.cfg\nwritten replicas.cfg\nreloaded lb\nwritten name.cfg\n'
    assert.deepEqual(await render(), { code: 0, stdout: written, stderr: '' })
    assert.equal(read('out.cfg'), `primary 127.0.0.1:${pg0.port}\n`)
    assert.equal(read('replicas.cfg'), 'replica pg1\n')
    assert.equal(read('name.cfg'), 'orders\n')
    assert.equal(statSync(path('name.cfg')).mode & 0o777, 0o600)
    const unchanged = 'unchanged out.cfg\nunchanged replicas.cfg\nunchanged name.cfg\n'
    assert.deepEqual(await render(), { code: 0, stdout: unchanged, stderr: '' })
    assert.equal(read('checked'), `primary 127.0.0.1:${pg0.port}\n`)
    assert.equal(read('reloaded'), 'run\n')
  })

  test('shows with --diff what would change, and changes and runs nothing', async () => {
    configure(
      { text: `a\n${PRIMARY}`, check: 'touch ran {{staged}}', reload: 'touch ran' },
      { text: 'new\n', destination: path('new.cfg') },
      { text: 'same\n', destination: path('same.cfg') },
      { text: 'mode\n', destination: path('mode.cfg'), mode: '0640' },
    )
    writeFileSync(path('out.cfg'), 'a\nprimary none\n')
    writeFileSync(path('same.cfg'), 'same\n')
    writeFileSync(path('mode.cfg'), 'mode\n', { mode: 0o600 })
    const before = readdirSync(dir.path)
    const { code, stdout, stderr } = await render(['--diff'])
    assert.deepEqual([code, stderr], [0, 'mode.cfg: only its mode would change\n'])
    assert.equal(
      stdout,
      `--- out.cfg\n+++ out.cfg\n@@ -1,2 +1,2 @@\n a\n-primary none\n+primary 127.0.0.1:${pg0.port}
--- /dev/null\n+++ new.cfg\n@@ -0,0 +1,1 @@\n+new\n`,
    )
    assert.deepEqual(readdirSync(dir.path), before)
    assert.equal(read('out.cfg'), 'a\nprimary none\n')
  })

  test('colours a diff on a terminal only, and not with NO_COLOR', async () => {
    configure({ text: 'new\n' })
    const shown = async (env: FakeIo['env'], width: number | null): Promise<boolean> =>
      (await render(['--diff'], new FakeIo(env, width))).stdout.includes('\x1b[32m+new\x1b[0m\n')
    assert.deepEqual(
      [
        await shown({}, 80),
        await shown({ NO_COLOR: '' }, 80),
        await shown({ NO_COLOR: '1' }, 80),
        await shown({ TERM: 'dumb' }, 80),
        await shown({}, null),
      ],
      [true, true, false, false, false],
    )
  })

  test('writes with --no-commands and runs nothing; a reload that is due stays due', async () => {
    configure({ text: 'one\n', check: 'test -s {{staged}}', reload: 'echo run >> reloaded; test -e healthy' })
    assert.equal((await render()).code, 1)
    configure({ text: 'two\n', check: 'test -d {{staged}}', reload: 'echo run >> reloaded' })
    assert.deepEqual(await render(['--no-commands']), { code: 0, stdout: 'written out.cfg\n', stderr: '' })
    assert.equal(read('out.cfg'), 'two\n')
    assert.equal(read('reloaded'), 'run\n')
    assert.deepEqual(await render(), { code: 0, stdout: 'unchanged out.cfg\nreloaded out.cfg\n', stderr: '' })
    assert.equal(read('reloaded'), 'run\nrun\n')
  })

  test('writes with --output below a directory, and runs nothing', async () => {
    configure(
      { text: 'x\n', check: 'touch ran {{staged}}', reload: 'touch ran', owner: 'nobody-of-that-name', mode: '0600' },
      { text: REPLICAS, destination: '/etc/patroni-router-test/replicas.cfg' },
    )
    const below = path('below')
    assert.deepEqual(await render(['--output', below]), {
      code: 0,
      stdout: 'written belowout.cfg\nwritten below/etc/patroni-router-test/replicas.cfg\n',
      stderr: '',
    })
    assert.equal(readFileSync(`${below}${dir.path}/out.cfg`, 'utf8'), 'x\n')
    assert.equal(statSync(`${below}${dir.path}/out.cfg`).mode & 0o777, 0o600)
    assert.match((await render(['--output', below])).stdout, /^unchanged .*\nunchanged .*\n$/)
    assert.deepEqual(
      ['out.cfg', 'ran', 'state'].filter((name) => existsSync(path(name))),
      [],
    )
  })

  test('keeps a file while there is no primary, once every member has had the time to answer', async () => {
    pg0.mode = 'replica'
    await etcd.client.delete('/service/demo/leader')
    writeFileSync(path('out.cfg'), 'old\n')
    configure({ text: PRIMARY, reload: 'touch ran' }, { text: REPLICAS, destination: path('replicas.cfg') })
    const { code, stdout, stderr } = await render()
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^kept out\.cfg \(.*0\.hbs:1:\d+: .*primary.*\)\nwritten replicas\.cfg\n$/)
    assert.equal(read('out.cfg'), 'old\n')
    assert.equal(read('replicas.cfg'), 'replica pg0\nreplica pg1\n')
    assert.equal(existsSync(path('ran')), false)
  })

  test('finds the primary of a cluster whose leader key is gone', async () => {
    await etcd.client.delete('/service/demo/leader')
    pg0.delayMs = 100
    configure({ text: PRIMARY })
    assert.deepEqual(await render(), { code: 0, stdout: 'written out.cfg\n', stderr: '' })
  })

  test('reports what is wrong with each template, leaves their groups as they are, and does the others', async () => {
    configure(
      { text: 'good\n', destination: path('good.cfg') },
      { text: 'one\n{{prinary.host}}\n', destination: path('a.cfg'), reload_group: 'pair' },
      { text: 'fine\n', destination: path('b.cfg'), reload_group: 'pair' },
      { text: '{{#each members}}', destination: path('c.cfg') },
      { text: 'x\n', destination: path('no/such/d.cfg') },
    )
    const { code, stdout, stderr } = await render()
    assert.deepEqual([code, stdout], [1, 'written good.cfg\n'])
    const [first, second, third, ...others] = stderr.trimEnd().split('\n')
    assert.match(first ?? '', /^FAILED {2}a\.cfg: 1\.hbs:2:\d+: .*prinary/)
    assert.match(second ?? '', /^FAILED {2}c\.cfg: 3\.hbs:1:/)
    assert.match(third ?? '', /^FAILED {2}the directory of no\/such\/d\.cfg is not there/)
    assert.deepEqual(others, [])
    assert.equal(existsSync(path('b.cfg')), false)
  })

  test('leaves a file alone whose check fails, and shows what the check said', async () => {
    writeFileSync(path('out.cfg'), 'old\n')
    configure({ text: 'new\n', check: 'echo line 3: nonsense; test -d {{staged}} || exit 7', reload: 'touch ran' })
    const { code, stdout, stderr } = await render()
    assert.deepEqual([code, stdout], [1, ''])
    assert.match(stderr, /^FAILED {2}the check of out\.cfg exited with 7.*\n {8}line 3: nonsense\n$/)
    assert.equal(read('out.cfg'), 'old\n')
    assert.deepEqual(
      readdirSync(dir.path).filter((name) => name.includes('.tmp') || name === 'ran'),
      [],
    )
  })

  test('says that a reload that failed stays due, and makes it the next time', async () => {
    configure({ text: 'new\n', reload: 'echo run >> reloaded; test -e healthy' })
    const { code, stdout, stderr } = await render()
    assert.deepEqual([code, stdout], [1, 'written out.cfg\n'])
    assert.match(
      stderr,
      /^FAILED {2}out\.cfg: the reload exited with 1: it stays pending, and the router runs it when it/,
    )
    writeFileSync(path('healthy'), '')
    assert.deepEqual(await render(), { code: 0, stdout: 'unchanged out.cfg\nreloaded out.cfg\n', stderr: '' })
    assert.deepEqual((await render()).stdout, 'unchanged out.cfg\n')
    assert.equal(read('reloaded'), 'run\nrun\n')
  })

  test('makes a reload that is due also while the file is kept', async () => {
    configure({ text: PRIMARY, reload: 'echo run >> reloaded; test -e healthy' })
    assert.equal((await render()).code, 1)
    await put('config', '{"ttl":20,"standby_cluster":{"host":"10.0.0.9"}}')
    writeFileSync(path('healthy'), '')
    const { code, stdout } = await render()
    assert.equal(code, 0)
    assert.match(stdout, /^kept out\.cfg \(.*\)\nreloaded out\.cfg\n$/)
    assert.equal(read('reloaded'), 'run\nrun\n')
  })

  test('ends at SIGINT with the command that runs, and leaves nothing half done', async () => {
    writeFileSync(path('out.cfg'), 'old\n')
    configure(
      { text: 'new\n', check: 'echo $$ > pid; sleep 600 # {{staged}}', timeout: '10m' },
      { text: 'x\n', destination: path('second.cfg') },
    )
    const io = new FakeIo({ PATH: process.env['PATH'] })
    let rendered: Rendered | null = null
    const rendering = render([], io).then((result) => (rendered = result))
    await until('the check runs', () => existsSync(path('pid')) && read('pid') !== '')
    io.send('SIGINT')
    await until('it has ended', () => rendered !== null, { timeoutMs: 20_000 })
    const { code, stdout, stderr } = await rendering
    assert.deepEqual([code, stdout], [1, ''])
    assert.equal(stderr, 'patroni-router: interrupted\n')
    assert.equal(read('out.cfg'), 'old\n')
    assert.deepEqual(readdirSync(dir.path).toSorted(), ['0.hbs', '1.hbs', 'config.yml', 'out.cfg', 'pid'])
    assert.throws(() => process.kill(Number(read('pid')), 0), { code: 'ESRCH' })
    assert.equal(io.listening, 0)
  })

  test('ends with the reason when the DCS cannot be read in time, and can be interrupted before', async () => {
    const nobody = clusterConfig([`127.0.0.1:${await freePort()}`])
    const silent = pino({ level: 'silent' })
    const { signal } = new AbortController()
    await assert.rejects(firstView(nobody, new Lookups(), silent, signal, { dcsMs: 500, settleMs: 500 }), {
      code: 'DCS_UNAVAILABLE',
      message: /^the DCS of demo could not be read within 0\.5 s: etcd at 127\.0\.0\.1:\d+ .*refused/i,
    })
    const interrupted = AbortSignal.timeout(100)
    await assert.rejects(firstView(nobody, new Lookups(), silent, interrupted), { name: 'TimeoutError' })
  })
})
