/** What is said of the errors of etcd, gRPC and TLS that no test brings about. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Lookups } from '../../../../../src/names/lookups.ts'
import type { EtcdTarget } from '../../../../../src/watcher/dcs/etcd3/channel.ts'
import { diagnose } from '../../../../../src/watcher/dcs/etcd3/diagnosis.ts'

const TARGET: EtcdTarget = {
  endpoint: 'etcd-1:2379',
  config: { auth: { username: 'router\u001b[31m', password: 'horse_battery' }, caFile: '/ca', certFile: '/tls' },
  certificates: null,
  prefix: '/service/demo/',
  timeoutMs: 1000,
  lookups: new Lookups(),
}

const connecting = (last: string): string =>
  `14 UNAVAILABLE: No connection established. Last error: ${last}. Resolution note: `

const MESSAGES: readonly (readonly [error: string, said: RegExp])[] = [
  [
    '8 RESOURCE_EXHAUSTED: Received message larger than max (70000000 vs 67108864)',
    /^more than 64 MB lie below \/service\/demo\//,
  ],
  [
    connecting('Error: certificate has expired'),
    /^no connection: certificate has expired: etcd needs a new certificate$/,
  ],
  [
    connecting('Error: certificate signature failure'),
    /^no connection: certificate signature failure: no CA in etcd3\.cacert \(\/ca\) signed its certificate; correct/,
  ],
  [
    connecting('Error: unsuitable certificate purpose'),
    /^no connection: unsuitable certificate purpose: etcd needs a certificate for servers \(extendedKeyUsage: serverAuth\)$/,
  ],
  [
    connecting(
      'Error: unable to verify the first certificate; if the root CA is installed locally, try running Node.js with --use-system-ca',
    ),
    /^no connection: unable to verify the first certificate: no CA in etcd3\.cacert/,
  ],
  [connecting('Error: connect EHOSTUNREACH 10.0.0.1:2379'), /^no connection: connect EHOSTUNREACH 10\.0\.0\.1:2379$/],
  [
    connecting(
      '40FD:error:0A00045C:SSL routines:ssl3_read_bytes:tlsv13 alert certificate required:../deps/a.c:9:SSL alert number 116\n (2026-01-01T00:00:00.000Z)',
    ),
    /^it refuses \(no connection: tlsv13 alert certificate required\): it may not accept .*etcd3\.cert \(\/tls\)/,
  ],
  [
    '7 PERMISSION_DENIED: etcdserver: permission denied',
    /^user "router\ufffd\[31m" may not read \/service\/demo\/: etcdctl role/,
  ],
  ['4 DEADLINE_EXCEEDED: Deadline exceeded after 1.000s', /^no answer in time$/],
  [
    '4 DEADLINE_EXCEEDED: Deadline exceeded after 0.999s,name resolution: 0.010s,time to current attempt start: 0.001s,Waiting for LB pick',
    /^no answer in time$/,
  ],
  [
    '4 DEADLINE_EXCEEDED: Deadline exceeded after 1.001s,waiting for name resolution',
    /^its name did not resolve in time$/,
  ],
  ['13 INTERNAL: Received RST_STREAM with code 8', /^it ended the call: HTTP\/2 error 8$/],
  [
    '13 INTERNAL: Received RST_STREAM with code 2 triggered by internal client error: Protocol error',
    /^it ended the call: Protocol error$/,
  ],
  ['14 UNAVAILABLE: Connection dropped', /^it closed the connection$/],
  ['14 UNAVAILABLE: etcdserver: leader changed', /^etcdserver: leader changed$/],
  [`14 UNAVAILABLE: ${'x'.repeat(5000)}\u001b[2J`, /^x{199}\ufffd$/],
]

for (const [error, said] of MESSAGES)
  test(`${error.slice(0, 80)} is explained`, async () => {
    const message = await diagnose(new Error(error), TARGET, null)
    assert.match(message, said)
    assert.ok(!message.includes('horse_battery'))
  })

test('a reset by an etcd with TLS may be about the client certificate, one without is not', async () => {
  const reset = new Error(connecting('Error: read ECONNRESET'))
  assert.equal(await diagnose(reset, TARGET, null), 'no connection: read ECONNRESET')
  const certificates = { ca: null, cert: null, key: null, context: { context: null } }
  const config = { auth: null, caFile: null, certFile: null }
  const message = await diagnose(reset, { ...TARGET, config, certificates }, null)
  assert.match(
    message,
    /if it refuses the router as a TLS client: it may require a client certificate, so set etcd3\.cert and etcd3\.key$/,
  )
})
