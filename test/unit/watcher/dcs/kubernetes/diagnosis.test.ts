/** What is said of an API server that cannot be read, in a Pod and by a kubeconfig. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { AccessOrigin } from '../../../../../src/watcher/dcs/kubernetes/access.ts'
import { peerOf } from '../../../../../src/watcher/dcs/kubernetes/diagnosis.ts'
import { diagnoseTls, perhapsRefused } from '../../../../../src/watcher/tls/diagnosis.ts'

const POD: AccessOrigin = {
  ...{ kubeconfig: null, login: 'the token in /t', settings: { ca: 'kubernetes.cacert', cert: '', key: '' } },
  ...{ files: { caFile: '/ca', certFile: null }, hasCa: true, hasCert: false },
}
const CONFIG: AccessOrigin = {
  ...POD,
  kubeconfig: '/k',
  settings: { ca: 'certificate-authority in /k', cert: 'client-certificate in /k', key: 'client-key in /k' },
}

describe('TLS of an API server', () => {
  test('in a Pod has nothing said of client certificates that cannot be set, nor of a kubeconfig', () => {
    const peer = peerOf(POD)
    assert.equal(perhapsRefused('it closed the connection', peer), 'it closed the connection')
    assert.equal(
      diagnoseTls('alert bad certificate', peer),
      'it refuses (alert bad certificate): it may require a client certificate',
    )
    const port = 'KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT must lead to its port for HTTPS'
    assert.equal(diagnoseTls('wrong version number', peer), `it does not use TLS: ${port}`)
    assert.equal(peer.withTls, port)
  })

  test('by a kubeconfig has the keys named that are about it', () => {
    const peer = peerOf(CONFIG)
    const set = 'it may require a client certificate, so set client-certificate in /k and client-key in /k'
    const perhaps = `it closed the connection; if it refuses the router as a TLS client: ${set}`
    assert.equal(perhapsRefused('it closed the connection', peer), perhaps)
    assert.match(diagnoseTls('wrong version number', peer) ?? '', /begin the server in \/k with http:/)
    assert.equal(peer.withTls, 'begin the server in /k with https://')
  })
})
