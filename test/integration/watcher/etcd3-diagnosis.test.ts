import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { createSecureContext } from 'node:tls'
import { Lookups } from '../../../src/names/lookups.ts'
import type { EtcdTarget } from '../../../src/watcher/dcs/etcd3/channel.ts'
import { diagnose } from '../../../src/watcher/dcs/etcd3/diagnosis.ts'

const TARGET: EtcdTarget = {
  endpoint: 'etcd-1:2379',
  config: { auth: { username: 'router\u001b[31m', password: 'horse_battery' }, caFile: '/ca', certFile: '/tls' },
  certificates: null,
  prefix: '/service/demo/',
  timeoutMs: 1000,
  lookups: new Lookups(),
}

test('an etcd is said to have no TLS where it says without TLS what it is, and not where it says that it has TLS', async () => {
  let answer = 'Client sent an HTTP request to an HTTPS server.\n'
  const server = createServer((_request, response) => response.end(answer))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const endpoint = `127.0.0.1:${(server.address() as AddressInfo).port}`
  const certificates = { ca: null, cert: null, key: null, context: createSecureContext() }
  const target = { ...TARGET, endpoint, certificates }
  const last = 'Error: invalid CA certificate'
  const refused = new Error(`14 UNAVAILABLE: No connection established. Last error: ${last}. Resolution note: `)
  const say = (): Promise<string> => diagnose(refused, target, new AbortController().signal)
  assert.equal(await say(), 'no connection: invalid CA certificate')
  answer = '{"etcdserver":"3.5.1"}'
  assert.match(await say(), /^it does not use TLS: set etcd3\.protocol: http /)
  server.close()
})
