/** What is said of answers of etcd v2 that are not as they should be. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { failureOfAnswer } from '../../../../../src/watcher/dcs/etcd/diagnosis.ts'
import { Refusal } from '../../../../../src/watcher/dcs/http/diagnosis.ts'

const OPEN = { username: null, caFile: null, certFile: null, root: '/service/demo' }
const REFUSED =
  '{"errorCode":110,"message":"The request requires user authentication","cause":"Insufficient credentials"}'
const failure = (status: number, text: string, access: Partial<typeof OPEN> | { username: string } = {}) =>
  failureOfAnswer({ status, text, header: () => null }, { ...OPEN, ...access })

describe('an answer of etcd v2', () => {
  test('that requires a user, or refuses one, is a refusal that names the settings and the right', () => {
    const right = "a role that may read /service/demo/* (etcdctl role grant ROLE -read -path '/service/demo/*')"
    const none = failure(401, REFUSED)
    assert.ok(none instanceof Refusal)
    assert.equal(none.message, `it requires a user: set etcd.username and etcd.password, of a user with ${right}`)
    // Without a JSON body, as a proxy has it.
    assert.equal(failure(401, 'Unauthorized').message, none.message)
    const some = failure(401, REFUSED, { username: 'router\n' })
    assert.ok(some instanceof Refusal)
    assert.match(
      some.message,
      /^it refuses user "router\S+": correct etcd\.username or etcd\.password, or give the user/,
    )
    assert.ok(some.message.endsWith(right) && !some.message.includes('\n'))
  })

  test('404 that is none of etcd says that it has no API v2, and what then', () => {
    const error = failure(404, '404 page not found\n')
    assert.ok(error instanceof Refusal)
    assert.match(error.message, /^it has no API v2 .*--enable-v2.*: if Patroni uses etcd3, remove the section etcd/)
  })

  test('of a member without a quorum says so', () => {
    const error = failure(
      500,
      '{"errorCode":300,"message":"Raft Internal Error","cause":"etcdserver: request timed out"}',
    )
    assert.ok(!(error instanceof Refusal))
    assert.equal(
      error.message,
      'it has no quorum (Raft Internal Error: etcdserver: request timed out): it is cut off from the other members of etcd, or these are down',
    )
    const endless = failure(500, JSON.stringify({ errorCode: 300, message: 'x'.repeat(100_000) }))
    assert.ok(endless.message.length < 1000, `${endless.message.length}`)
  })

  test('of a server that requires TLS names the setting', () => {
    const message = 'it requires TLS: set etcd.protocol: https (or begin etcd.url with https://)'
    const texts = ['Client sent an HTTP request to an HTTPS server.\n', 'The plain HTTP request was sent to HTTPS port']
    for (const text of texts) assert.equal(failure(400, text).message, message)
  })

  test('of any other kind is shown with its status and its first line, fit for a terminal', () => {
    assert.equal(failure(503, '<h1>503</h1>\nx').message, 'it answers 503: <h1>503</h1>')
    assert.equal(failure(502, '').message, 'it answers 502: nothing')
    assert.equal(failure(400, '{"errorCode":203,"message":"Bad","cause":"x"}').message, 'it answers 400: Bad: x')
    const long = failure(500, `\u001b[2J${'y'.repeat(5000)}`).message
    assert.ok(long.length < 300 && !long.includes('\u001b'), long)
  })
})
