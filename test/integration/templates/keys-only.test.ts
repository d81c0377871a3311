/** An etcd whose role may read the templates' keys and nothing of the cluster: templates of keys alone need no more. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { Child } from '../../support/processes/child.ts'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { freePort } from '../../support/net/ports.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

const MAIN = join(import.meta.dirname, '../../../src/main.ts')
const USER = { username: 'app', password: 'secret', prefixes: ['/app/'], readOnly: true }

let etcd: EtcdCluster
before(async () => {
  etcd = await EtcdCluster.start()
  await etcd.enableAuth(USER)
  await etcd.client.put('/app/db/host', 'db1')
})
after(async () => etcd.close())

/** A configuration in a directory of its own; `more` is put before it, or is a template's. */
function configured(more: string, templates: readonly string[]): TempDir {
  const dir = TempDir.create('keys-only')
  const entries = templates.map((text, index) => {
    writeFileSync(join(dir.path, `${index}.hbs`), text)
    return `  - {source: ${index}.hbs, destination: ${join(dir.path, String(index))}, prefix: /app, keys: [/db]}\n`
  })
  const access = `etcd3: {hosts: ['${etcd.hosts.join("','")}'], username: app, password: secret}\n`
  const config = `${more}${access}admin: {socket: ${join(dir.path, 'admin.sock')}}\ntemplates:\n${entries.join('')}`
  writeFileSync(join(dir.path, 'config.yml'), config)
  return dir
}

interface Said {
  readonly code: number
  readonly text: string
}

async function command({ path }: TempDir, ...args: readonly string[]): Promise<Said> {
  const where = args[0] === 'status' ? ['--socket', join(path, 'admin.sock')] : ['-c', join(path, 'config.yml')]
  const { promise, resolve } = Promise.withResolvers<Said>()
  execFile(process.execPath, [MAIN, ...args, ...where], (error, stdout, stderr) =>
    resolve({ code: error === null ? 0 : Number(error.code), text: stdout + stderr }),
  )
  return promise
}

const KEYS = 'host={{getv "/db/host"}}\n'

/** What the router has written, once it is what is wanted. */
async function runs(dir: TempDir, use: () => Promise<void>): Promise<void> {
  const options = { cwd: dir.path, logFile: join(dir.path, 'log') }
  const router = await Child.start(process.execPath, [MAIN, 'run', '-c', join(dir.path, 'config.yml')], options)
  try {
    await use()
  } finally {
    await router.stop()
  }
}

function written({ path }: TempDir, name = '0'): string {
  const file = join(path, name)
  return existsSync(file) ? readFileSync(file, 'utf8') : ''
}

for (const [what, scope] of [
  ['without a scope', ''],
  ['with a scope that it may not read', 'scope: demo\n'],
] as const) {
  test(`${what} they are checked, rendered, and followed by the router`, async () => {
    await using dir = configured(scope, [KEYS])
    const checked = await command(dir, 'check', '--online')
    assert.equal(checked.code, 0, checked.text)
    assert.match(checked.text, /^ok {6}keys below \/app\/db: 1 key$/m)
    const rendered = await command(dir, 'render')
    assert.equal(rendered.code, 0, rendered.text)
    assert.equal(written(dir), 'host=db1\n')
    await runs(dir, async () => {
      await etcd.client.put('/app/db/host', 'db2')
      await until('the change is written', () => written(dir) === 'host=db2\n')
      await until('it is in sync', async () => (await command(dir, 'status')).text.includes('in sync'))
      const status = await command(dir, 'status')
      assert.match(status.text, /Keys +\/app\/db: 1 key/)
      if (scope === '') assert.equal(status.code, 0, status.text)
    })
    await etcd.client.put('/app/db/host', 'db1')
  })
}

test('the bytes of a key are the bytes of the file, and their base64 is right', async () => {
  const bytes = Buffer.from('00ff41c3a9c328f09f9880fe0a', 'hex')
  await etcd.client.call('kv/put', {
    key: Buffer.from('/app/db/key').toString('base64'),
    value: bytes.toString('base64'),
  })
  await using dir = configured('', [
    '{{raw (getv "/db/key")}}',
    '{{base64Encode (getv "/db/key")}}',
    'x{{getv "/db/key"}}',
  ])
  const { code, text } = await command(dir, 'render')
  assert.equal(code, 1, text)
  assert.match(text, /the key \/db\/key contains characters/)
  assert.deepEqual(readFileSync(join(dir.path, '0')), bytes)
  assert.equal(written(dir, '1'), bytes.toString('base64'))
  assert.equal(written(dir, '2'), '')
  const again = await command(dir, 'render')
  assert.match(again.text, /unchanged/)
})

test('beside templates about a cluster that it may not read they are rendered, and those are reported', async () => {
  await using dir = configured('scope: demo\n', [KEYS, 'cluster={{scope}}\n'])
  const { code, text } = await command(dir, 'render')
  assert.equal(code, 1, text)
  assert.equal(written(dir), 'host=db1\n')
  assert.equal(written(dir, '1'), '')
  assert.match(text, /^FAILED .*user "app" may not read \/service\/demo\//m)
})

test('a key whose name is no UTF-8 is left out, and the rendering says so', async () => {
  const key = Buffer.concat([Buffer.from('/app/db/'), Buffer.of(0xff, 0xfe)]).toString('base64')
  await etcd.client.call('kv/put', { key, value: '' })
  try {
    await using dir = configured('', ['{{#each (ls "/db")}}{{this}} {{/each}}\n'])
    const { code, text } = await command(dir, 'render')
    assert.equal(code, 0, text)
    assert.match(text, /^warning: the key \/app\/db\/\ufffd+ is left out: its name is not UTF-8$/m)
    assert.match(written(dir), /^(\w+ )*host (\w+ )*$/m)
  } finally {
    await etcd.client.call('kv/deleterange', { key })
  }
})

test('check --online says of keys that may not be read', async () => {
  await using dir = configured('', [KEYS])
  const config = readFileSync(join(dir.path, 'config.yml'), 'utf8')
  writeFileSync(join(dir.path, 'config.yml'), config.replace('/app,', '/other,'))
  const { code, text } = await command(dir, 'check', '--online')
  assert.equal(code, 2, text)
  assert.match(text, /^FAILED {2}keys below \/other\/db: /m)
})

// Keys are waited for.
describe('no etcd answers', { concurrency: true }, () => {
  for (const [title, more, own] of [
    ['a cluster', 'scope: demo\nproxy: {listeners: {primary: {bind: "127.0.0.1:0", route: primary}}}\n', 'text\n'],
    ['a cluster and the keys of templates', 'scope: demo\n', `{{primary.host}}${KEYS}`],
  ] as const)
    test(`check --online exits with 1 where no etcd answers for ${title}: the configuration may well be right`, async () => {
      await using dir = configured(more, [own])
      const path = join(dir.path, 'config.yml')
      const dead = `hosts: ['127.0.0.1:${await freePort()}', '127.0.0.1:${await freePort()}']`
      writeFileSync(path, readFileSync(path, 'utf8').replace(/hosts: \[.*?\]/, dead))
      const { code, text } = await command(dir, 'check', '--online')
      assert.match(text, /^FAILED {2}.*ECONNREFUSED/m)
      assert.equal(code, 1, text)
      // An address that is dead beside one that answers is to be corrected.
      writeFileSync(path, readFileSync(path, 'utf8').replace(dead, `hosts: ['${etcd.hosts[0]}', '127.0.0.1:1']`))
      assert.equal((await command(dir, 'check', '--online')).code, 2)
    })
})

test('a faulty template keeps only its own file from being written, until it is fixed', async () => {
  await using dir = configured('', ['{{gett "/db/host"}}', KEYS])
  const [checked, begun] = [await command(dir, 'check'), await command(dir, 'check', '--startup')]
  assert.deepEqual([checked.code, begun.code], [2, 0], checked.text + begun.text)
  assert.match(begun.text, /^warning: .*0\.hbs:1:3: there is no helper "gett"/m)
  await runs(dir, async () => {
    await until('the other one is written', () => written(dir, '1') === 'host=db1\n')
    await until('it is told', async () => (await command(dir, 'status')).text.includes('there is no helper "gett"'))
    assert.equal(written(dir, '0'), '')
    writeFileSync(join(dir.path, '0.hbs'), KEYS)
    await until('it is written once it is mended', () => written(dir, '0') === 'host=db1\n')
  })
})
