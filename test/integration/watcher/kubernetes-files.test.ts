/** Service accounts and kubeconfigs on disk, as they are replaced while a router runs. */
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { type Access, AccessSource } from '../../../src/watcher/dcs/kubernetes/access.ts'
import { type KubernetesConfig, RETRIABLE } from '../../../src/watcher/dcs/kubernetes/section.ts'
import { TempDir } from '../../support/files/temp.ts'

const SERVICE = { host: '10.96.0.1', port: 443 }

let dir: TempDir
before(() => {
  dir = TempDir.create('kubernetes-files')
})
after(async () => dir.remove())

function source(name: string, changes: Partial<KubernetesConfig> = {}): AccessSource {
  const config: KubernetesConfig = {
    ...{ kind: 'kubernetes', objects: 'endpoints', labels: {}, scopeLabel: 'cluster-name', service: null },
    ...{ kubeconfig: join(dir.path, `${name}.yml`), home: null, context: null, caFile: null, bypassService: false },
    ...{ retriable: RETRIABLE, ...changes },
  }
  return new AccessSource(config, join(dir.path, name))
}

/** Writes a kubeconfig of two clusters, each with a token of its own. */
function write(name: string, current: string, changes: Readonly<Record<string, string>> = {}): void {
  const servers = { production: 'https://10.0.0.1:6443', staging: 'https://10.0.0.2:6443', ...changes }
  const names = ['production', 'staging'] as const
  const config = {
    'current-context': current,
    contexts: names.map((each) => ({ name: each, context: { cluster: each, user: each } })),
    clusters: names.map((each) => ({ name: each, cluster: { server: servers[each] } })),
    users: names.map((each) => ({ name: each, user: { token: `${changes['token'] ?? 'token'}-${each}` } })),
  }
  writeFileSync(join(dir.path, `${name}.yml`), JSON.stringify(config))
}

function place({ endpoint, credentials }: Access): unknown {
  return [endpoint, credentials.headers()['authorization']]
}

function mount(name: string): { readonly ca: string; readonly token: string } {
  const files = { ca: join(dir.path, name, 'ca.crt'), token: join(dir.path, name, 'token') }
  mkdirSync(join(dir.path, name))
  for (const file of Object.values(files)) writeFileSync(file, 'x')
  return files
}

describe('the access to Kubernetes', () => {
  test('stays with the context that was the current one first, and follows its server and its token', () => {
    const access = source('context')
    write('context', 'production')
    const first = access.load()
    assert.deepEqual(place(first), ['10.0.0.1:6443', 'Bearer token-production'])
    write('context', 'staging')
    assert.deepEqual(place(access.load()), ['10.0.0.1:6443', 'Bearer token-production'])
    write('context', 'staging', { token: 'next' })
    const refused = first.credentials.headers()
    // Of requests that were refused together each is worth another try.
    assert.deepEqual([first.credentials.renew(refused), first.credentials.renew(refused)], [true, true])
    assert.deepEqual(place(first), ['10.0.0.1:6443', 'Bearer next-production'])
    assert.equal(first.credentials.renew(first.credentials.headers()), false)
    write('context', 'staging', { production: 'https://10.0.0.3:6443', token: 'third' })
    assert.deepEqual(place(access.load()), ['10.0.0.3:6443', 'Bearer third-production'])
    assert.deepEqual(place(source('context').load()), ['10.0.0.2:6443', 'Bearer third-staging'])
  })

  test('has a context of its own named that is gone, and the one that was never there', () => {
    const access = source('gone')
    write('gone', 'production')
    access.load()
    writeFileSync(join(dir.path, 'gone.yml'), JSON.stringify({ 'current-context': 'a', contexts: [] }))
    const why = /gone\.yml:1:\d+: contexts: has no context "production": put it back, or restart the router/
    assert.throws(() => access.load(), { message: why })
    assert.throws(() => source('gone').load(), { message: /has no context "a": set current-context/ })
  })

  test('gives the token of another server to no connection that leads to the one before', () => {
    const access = source('server')
    write('server', 'production')
    const { credentials } = access.load()
    const login = credentials.headers()
    write('server', 'production', { production: 'https://10.0.0.9:6443', token: 'other' })
    assert.equal(credentials.renew(login), false)
    assert.deepEqual(credentials.headers(), { authorization: 'Bearer token-production' })
    assert.match(credentials.trouble ?? '', /the server in .*server\.yml has been replaced/)
  })

  test('stays the service account of a Pod while its files are replaced, whatever kubeconfig there is', () => {
    const { token } = mount('pod')
    write('pod', 'production')
    const access = source('pod', { service: SERVICE })
    const first = access.load()
    assert.deepEqual(place(first), ['10.96.0.1:443', 'Bearer x'])
    writeFileSync(token, '')
    assert.equal(access.load(), first)
    writeFileSync(token, 'y')
    first.credentials.renew(first.credentials.headers())
    assert.deepEqual(place(access.load()), ['10.96.0.1:443', 'Bearer y'])
  })

  for (const [what, harm, why] of [
    ['is missing', (file: string) => rmSync(file), 'cannot be read: no such file'],
    ['is empty', (file: string) => writeFileSync(file, ''), 'is empty'],
    [
      'is a directory',
      (file: string) => {
        rmSync(file)
        mkdirSync(file)
      },
      'cannot be read: it is not a file',
    ],
    [
      'is too large',
      (file: string) => writeFileSync(file, 'x'.repeat(4 * 1024 * 1024 + 1)),
      'cannot be read: it is larger than 4194304 bytes',
    ],
  ] as const)
    for (const file of ['ca', 'token'] as const)
      test(`has a file of the Pod named that ${what}: ${file}`, () => {
        const name = `${file} ${what}`
        const files = mount(name)
        harm(files[file])
        assert.throws(() => source(name, { service: SERVICE }).load(), {
          message: `the file ${files[file]} of this Pod ${why}, and the kubeconfig ${join(dir.path, name)}.yml cannot be read: no such file`,
        })
      })
})
