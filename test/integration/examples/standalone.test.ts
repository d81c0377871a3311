import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { EtcdCluster } from '../../support/etcd/cluster.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { RouterProcess } from '../../support/router/process.ts'

const ROOT = join(import.meta.dirname, '../../..')
const FOLDER = join(ROOT, 'examples/standalone')
const TEXT = readFileSync(join(FOLDER, 'config.yml'), 'utf8')

test('the stand-alone example is a valid configuration', () => {
  const args = [join(ROOT, 'src/main.ts'), 'check', '--startup', '-c', join(FOLDER, 'config.yml')]
  assert.match(execFileSync(process.execPath, args, { encoding: 'utf8' }), /valid/)
})

test('the settings that the stand-alone example calls the defaults are the defaults', () => {
  const { scope, namespace, etcd3 } = parse(TEXT) as Record<string, unknown>
  const least = JSON.stringify({ scope, namespace, etcd3 })
  const [example, defaults] = [TEXT, least].map((text) => {
    const result = loadConfig({ file: 'config.yml', text, env: {} })
    assert.ok(result.ok)
    const { clusters, logging, admin } = result.config
    return { clusters, logging, socket: admin.socket.path }
  })
  assert.deepEqual(example, defaults)
})

test('a router runs on the stand-alone example, with addresses of this machine', async () => {
  await using etcd = await EtcdCluster.start()
  const { proxy, admin, etcd3, ...rest } = parse(TEXT) as Record<string, Record<string, unknown>>
  assert.ok(proxy && admin && etcd3)
  const { listeners, ...tuning } = proxy
  assert.deepEqual(Object.keys(listeners as object), ['primary', 'replicas'])
  await using router = await RouterProcess.start({ config: { ...rest, proxy: tuning, etcd3: { hosts: etcd.hosts } } })
  await router.waitForLog('that it reads etcd', ({ event }) => event === 'dcs-up')
  assert.deepEqual(await router.stop(), { code: 0, signal: null })
})
