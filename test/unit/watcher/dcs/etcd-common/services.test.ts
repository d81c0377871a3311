/** What SRV records name, asked over HTTP. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lookups } from '../../../../../src/names/lookups.ts'
import { etcdServices } from '../../../../../src/watcher/dcs/etcd-common/services.ts'
import { NoRecords } from '../../../../../src/watcher/dcs/etcd-common/srv-records.ts'

test('a record of peers that names what is no host is none, and no other error', async () => {
  const lookups = new Lookups({
    resolveServices: (name) =>
      Promise.resolve(name.startsWith('_etcd-server.') ? [{ name: 'a b', port: 2380, priority: 0, weight: 0 }] : []),
  })
  const config = { kind: 'etcd', srv: { domain: 'example.org', suffix: null } } as const
  const services = etcdServices(config, { lookups, timeoutMs: 1000 })
  assert.ok(services)
  await assert.rejects(services.find(), NoRecords)
})
