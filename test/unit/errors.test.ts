import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  codeOf,
  errno,
  explain,
  failedHere,
  failureOf,
  isAbsent,
  isLookupTimeout,
  isMount,
  isWithoutIpv6,
  lookupError,
  RouterError,
  shortage,
  type Failure,
} from '../../src/errors.ts'

function coded(code: unknown, options?: ErrorOptions): Error {
  return Object.assign(new Error(`it failed: ${String(code)}`, options), { code })
}

const MEANINGS: Readonly<Record<Failure, readonly string[]>> = {
  refused: ['ECONNREFUSED'],
  unreachable: ['ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ERR_SOCKET_CONNECTION_TIMEOUT'],
  reset: ['ECONNRESET', 'ECONNABORTED', 'EPIPE'],
  unresolved: ['ENOTFOUND', 'EAI_AGAIN', 'EAI_FAIL', 'ENODATA'],
  local: ['EMFILE', 'ENFILE', 'ENOBUFS', 'ENOMEM', 'EAI_MEMORY', 'EADDRNOTAVAIL'],
  'in-use': ['EADDRINUSE'],
  denied: ['EACCES', 'EPERM'],
  missing: ['ENOENT'],
  other: ['ENOSUCHTHING', 'constructor', 'toString'],
}
for (const [failure, codes] of Object.entries(MEANINGS)) {
  test(`${codes.join(', ')}: ${failure}`, () => {
    for (const code of codes) assert.equal(failureOf(coded(code)), failure)
  })
}

test('a failure on this machine says nothing about the peer', () => {
  const here = (failure: Failure): boolean => MEANINGS[failure].every((code) => failedHere(coded(code)))
  assert.deepEqual(
    (['refused', 'unreachable', 'reset', 'unresolved', 'local', 'in-use', 'denied', 'missing'] as const).filter(here),
    ['local', 'in-use', 'denied'],
  )
})

test('the errno is found behind causes and in an AggregateError', () => {
  const inner = coded('ECONNREFUSED')
  const aggregate = new AggregateError([inner, coded('ETIMEDOUT')], '')
  assert.equal(
    errno(new RouterError('DCS_UNAVAILABLE', 'x', { cause: coded('ERR_FOO', { cause: aggregate }) })),
    'ECONNREFUSED',
  )
})

test('an error without errno is another failure', () => {
  for (const error of [undefined, null, 'text', {}, new Error('x'), coded(23), new AggregateError([], '')]) {
    assert.equal(errno(error), null)
    assert.equal(failureOf(error), 'other')
  }
})

test('a code that is only shown is that of the error itself', () => {
  assert.equal(codeOf(coded('ENOSUCHTHING')), 'ENOSUCHTHING')
  for (const error of [null, 'EBUSY', coded(23), new Error('x', { cause: coded('EBUSY') })])
    assert.equal(codeOf(error), null)
})

const NARROW: readonly (readonly [title: string, is: (error: unknown) => boolean, codes: readonly string[]])[] = [
  ['nothing is at a path', isAbsent, ['ENOENT', 'ENOTDIR']],
  ['a mount is in the way of a rename', isMount, ['EBUSY', 'EXDEV']],
  ['a machine is without IPv6', isWithoutIpv6, ['EADDRNOTAVAIL', 'EAFNOSUPPORT']],
  ['a lookup took too long', isLookupTimeout, ['ETIMEOUT']],
]
for (const [title, is, codes] of NARROW)
  test(`${title}: ${codes.join(', ')}`, () => {
    const all = NARROW.flatMap(([, , some]) => some)
    assert.deepEqual(
      all.filter((code) => is(coded(code))),
      codes,
    )
  })

test('an error of a lookup reads as one of Node', () => {
  const error = lookupError('db.example', 'unknown')
  assert.deepEqual([error.message, failureOf(error)], ['getaddrinfo ENOTFOUND db.example', 'unresolved'])
  assert.equal(isLookupTimeout(lookupError('db.example', 'silent')), true)
})

test('a chain of causes that bites its tail is looked through once', () => {
  const error = new Error('round')
  error.cause = error
  assert.equal(errno(error), null)
  assert.equal(explain(error), 'round')
})

test('explains an error and what caused it in one line, without repetition', () => {
  const cause = new Error('connect ECONNREFUSED\n 127.0.0.1:1')
  assert.equal(explain(new Error('no DCS', { cause })), 'no DCS: connect ECONNREFUSED 127.0.0.1:1')
  assert.equal(explain(new Error('no DCS: gone', { cause: new Error('gone') })), 'no DCS: gone')
  assert.equal(explain(new Error('', { cause: 'a text' })), 'Error: a text')
  assert.equal(explain(new Error('x', { cause: null })), 'x')
  assert.equal(explain(new Error('x', { cause: 7 })), 'x: unknown')
  assert.equal(explain(new AggregateError([new Error('first'), new Error('second')], 'both')), 'both: first')
  assert.equal(explain(undefined), '')
})

test('says what this machine is out of, with the limit and the setting', () => {
  const error = Object.assign(new Error('connect EMFILE 127.0.0.1:5841 - Local (undefined:undefined)'), {
    code: 'EMFILE',
  })
  assert.equal(
    shortage(new Error('no', { cause: error }), 256),
    'out of file descriptors (limit 256), so new sessions fail: raise LimitNOFILE (two per session)',
  )
  assert.match(shortage(Object.assign(new Error(), { code: 'ENFILE' }), null) ?? '', /fs\.file-max/)
  assert.equal(shortage(Object.assign(new Error(), { code: 'ECONNREFUSED' }), 256), null)
  assert.equal(explain(error), 'connect EMFILE 127.0.0.1:5841 (out of file descriptors: raise LimitNOFILE)')
  const outer = new RouterError('DCS_UNAVAILABLE', `no answer: ${explain(error)}`, { cause: error })
  assert.equal(explain(outer).match(/LimitNOFILE/g)?.length, 1)
})

test('a RouterError keeps its code, its message and its cause', () => {
  const cause = new Error('y')
  const error = new RouterError('BIND_FAILED', 'x', { cause })
  assert.deepEqual([error.name, error.code, error.message, error.cause], ['RouterError', 'BIND_FAILED', 'x', cause])
  assert.ok(error instanceof Error)
})
