import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLoopback, isOwnHost, isOwnOrigin, namesOf } from '../../../../src/admin/http/access.ts'
import { Places } from '../../../../src/admin/http/places.ts'
import { routed, scopesOf } from '../../../../src/admin/http/routes/show.ts'
import { bearerOf, Tokens } from '../../../../src/admin/http/tokens.ts'

const NAMES = namesOf('Router1.example.com', ['db.example.com', 'dot.example.com.'])

test('a Host is an address, localhost, or a name of this host, with any port', () => {
  const own = ['10.0.0.1', '10.0.0.1:7000', '[::1]:7000', '[fd00::1]', 'localhost', 'LOCALHOST:1', 'router1']
  for (const host of [
    ...own,
    'router1.example.com:7000',
    'ROUTER1.example.com.',
    'db.example.com',
    'dot.example.com',
    undefined,
  ])
    assert.equal(isOwnHost(host, NAMES), true, host)
  const foreign = [
    '',
    'evil.com',
    '10.0.0.1.evil.com',
    '10.0.0.1:7000:1',
    'localhost.evil.com',
    '[evil]',
    '::1',
    'a@localhost',
  ]
  for (const host of [...foreign, 'router2', 'example.com', 'localhost:port', '10.0.0.256', '[::1', ' localhost'])
    assert.equal(isOwnHost(host, NAMES), false, host)
})

test('an Origin is the very host that the request is for', () => {
  for (const [origin, host] of [
    [undefined, 'a:7000'],
    ['http://a:7000', 'a:7000'],
    ['https://A:7000', 'a:7000'],
  ])
    assert.equal(isOwnOrigin(origin, host), true, origin)
  for (const origin of [
    'null',
    '',
    'http://a',
    'http://a:7001',
    'http://evil.com',
    'file://a:7000',
    'http://a:7000.evil.com',
  ])
    assert.equal(isOwnOrigin(origin, 'a:7000'), false, origin)
  assert.equal(isOwnOrigin('http://a:7000', undefined), false)
})

test('loopback is every address of it', () => {
  for (const address of ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1']) assert.equal(isLoopback(address), true)
  for (const address of ['10.0.0.1', '::', '128.0.0.1', '::ffff:10.0.0.1', undefined, '127.evil'])
    assert.equal(isLoopback(address), false, address)
})

test('a token is a line with a name, and each has its own', () => {
  const tokens = Tokens.parse('# people\n\nalice:0123456789abcdef\r\nbob:0123456789:abcdeF\n')
  assert.deepEqual(
    ['0123456789abcdef', '0123456789:abcdeF', '0123456789abcdeF', '', 'alice'].map((token) => tokens.nameOf(token)),
    ['alice', 'bob', null, null, null],
  )
  assert.equal(Tokens.none.nameOf(''), null)
  for (const [text, problem] of [
    ['0123456789abcdef', /^line 1: has no name/],
    ['\n:0123456789abcdef', /^line 2: has no name/],
    ['a b:0123456789abcdef', /^line 1: has no name/],
    ['alice:short', /^line 1: its token is shorter than 16 characters/],
    ['alice:0123456789 abcdef', /^line 1: its token has characters other than/],
    ['alice:0123456789abcdef\nalice:0123456789abcdeF', /^line 2: has the name of an earlier line/],
  ] as const)
    assert.throws(() => Tokens.parse(text), { code: 'CONFIG_INVALID', message: problem })
})

test('the token of a request is a bearer, and nothing else', () => {
  assert.equal(bearerOf('Bearer abc'), 'abc')
  assert.equal(bearerOf('bearer  abc '), 'abc')
  for (const header of [undefined, '', 'Bearer', 'Bearer a b', 'Basic YTpi', 'abc'])
    assert.equal(bearerOf(header), null)
})

test('a scope of metrics is one of HAProxy or native, * is all, and another one is refused', () => {
  for (const all of [{}, { scope: '*' }, { scope: ['server', '*'] }]) assert.equal(scopesOf(all), null)
  assert.deepEqual(scopesOf({ scope: 'native' }), ['native'])
  assert.deepEqual(scopesOf({ scope: ['listener', 'sticktable'] }), ['listener', 'sticktable'])
  for (const unknown of ['', 'servers', ['server', 'x']]) assert.equal(scopesOf({ scope: unknown }), undefined)
})

test('the statistics are behind a semicolon, as with HAProxy, whatever is before it', () => {
  for (const [url, path] of Object.entries({
    '/;csv': '/;csv',
    '/stats;csv': '/;csv',
    '/stats;csv;norefresh': '/;csv',
    '/haproxy?stats;csv': '/;csv',
    '/;csv;no-maint': '/;csv?no-maint',
    '/stats;up;csv;no-maint': '/;csv?no-maint&up',
    '/;json;up': '/;json?up',
    '/;json': '/;json',
    '/;norefresh': '/;norefresh',
    '/stats': '/',
    '/haproxy?stats': '/',
    '/stats;up': '/stats;up',
    '/api/v1/events?cluster=a;csv=1': '/api/v1/events?cluster=a;csv=1',
  }))
    assert.equal(routed(url), path, url)
})

test('of the places some are for this host alone, and one other address cannot take the rest', () => {
  const places = new Places({ places: 5, reserved: 2, perAddress: 2 })
  const take = (address: string, isLocal = false): (() => void) | null => places.take({ address, isLocal })
  const [one, two] = [take('10.0.0.1'), take('10.0.0.1')]
  assert.ok(one !== null && two !== null)
  assert.equal(take('10.0.0.1'), null)
  assert.ok(take('10.0.0.2') !== null)
  assert.equal(take('10.0.0.3'), null)
  assert.equal(take('127.0.0.1'), null, 'a proxy on this host has no reserved place')
  assert.ok(take('127.0.0.1', true) !== null)
  assert.ok(take('127.0.0.1', true) !== null)
  assert.equal(take('127.0.0.1', true), null)
  for (const giveBack of [one, two]) giveBack()
  assert.ok(take('127.0.0.1', true) !== null)
  assert.equal(take('10.0.0.1'), null)
  assert.equal(places.count, 4)
})
