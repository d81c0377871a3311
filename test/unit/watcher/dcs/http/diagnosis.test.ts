/** What is said of a DCS that cannot be read over HTTP, as far as the error itself says it. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { RouterError } from '../../../../../src/errors.ts'
import { Lookups } from '../../../../../src/names/lookups.ts'
import { explainHttp, shown, strangeAnswer } from '../../../../../src/watcher/dcs/http/diagnosis.ts'
import { Certificates } from '../../../../../src/watcher/tls/certificates.ts'

const PEER = {
  ...{
    name: 'etcd',
    settings: { ca: 'etcd.cacert', cert: 'etcd.cert', key: 'etcd.key' },
    caFile: null,
    certFile: null,
  },
  ...{ named: 'one for this address', withoutTls: 'set etcd.protocol: http', withTls: 'set etcd.protocol: https' },
  ...{ asksBy: null, trustsBy: '--trusted-ca-file', insecure: null },
}
/** Nothing is connected to once the signal has aborted. */
const OVER = AbortSignal.abort()
const failure = (code: string, message = code): Error => Object.assign(new Error(message), { code })
const explained = async (error: unknown, usesTls = false): Promise<string> => {
  const certificates = usesTls ? new Certificates({ caFile: null, certFile: null, keyFile: null }).read() : null
  return explainHttp(error, PEER, { endpoint: '127.0.0.1:1', certificates, lookups: new Lookups() }, OVER)
}

describe('a failure over HTTP', () => {
  test("is said in the router's own words where these are there", async () => {
    assert.equal(await explained(new RouterError('TIMEOUT', 'no answer within 500 ms')), 'no answer within 500 ms')
  })

  test('of an answer without an end names what may be deleted', async () => {
    assert.equal(
      await explained(failure('UND_ERR_RES_EXCEEDED_MAX_SIZE')),
      'its answer is larger than 32 MB: delete keys that do not belong there',
    )
  })

  test('of a connection is said as it is', async () => {
    for (const usesTls of [false, true])
      assert.equal(
        await explained(failure('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'), usesTls),
        'connect ECONNREFUSED 127.0.0.1:1',
      )
  })

  test('of TLS names the setting', async () => {
    assert.equal(
      await explained(failure('UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'unable to verify the first certificate'), true),
      'unable to verify the first certificate: set etcd.cacert to the file of the CA that signed its certificate',
    )
    assert.equal(
      await explained(failure('EPROTO', 'wrong version number'), true),
      'it does not use TLS: set etcd.protocol: http',
    )
  })

  test('that a server broke off says what may be behind it, with TLS', async () => {
    assert.equal(await explained(failure('ECONNRESET', 'read ECONNRESET')), 'read ECONNRESET')
    assert.equal(await explained(failure('UND_ERR_SOCKET', 'other side closed')), 'it closed the connection')
    assert.equal(
      await explained(failure('ECONNRESET', 'read ECONNRESET'), true),
      'read ECONNRESET; if it refuses the router as a TLS client: it may require a client certificate, so set etcd.cert and etcd.key',
    )
  })

  test('of what is no HTTP says so', async () => {
    assert.equal(await explained(failure('HPE_INVALID_CONSTANT', 'Expected HTTP/')), 'it does not answer in HTTP')
  })
})

test('an answer that tells of TLS is one of those that every server may give, and others are not', () => {
  const answer = (status: number, text: string) => strangeAnswer({ status, text, header: () => null }, PEER)
  const message = answer(400, 'Client sent an HTTP request to an HTTPS server.')?.message
  assert.equal(message, 'it requires TLS: set etcd.protocol: https')
  assert.equal(answer(404, 'Client sent an HTTP request to an HTTPS server.'), null)
  assert.equal(answer(400, '{"errorCode":401}'), null)
})

test('of what a server says the first line is shown, or that it is nothing', () => {
  assert.equal(shown(' a\nb'), 'a')
  assert.equal(shown('\n \n'), 'nothing')
})
