import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { test } from 'node:test'

test('is loaded without what only templates, etcd and HTTP need', async () => {
  const { cache } = createRequire(import.meta.url)
  const loaded = (): string[] =>
    ['handlebars', 'etcd3', '@grpc/grpc-js', 'fastify', 'prom-client'].filter((name) =>
      Object.keys(cache).some((file) => file.includes(`node_modules/${name}/`)),
    )
  await import('../../src/cli/run.ts')
  await import('../../src/router.ts')
  assert.deepEqual(loaded(), [])
  await import('../../src/templates/templates.ts')
  await import('../../src/watcher/dcs/etcd3/etcd3-dcs.ts')
  await import('../../src/admin/http/server.ts')
  assert.deepEqual(loaded(), ['handlebars', 'etcd3', '@grpc/grpc-js', 'fastify'])
})
