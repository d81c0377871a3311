/** When a token of etcd is renewed. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expiryOf, Token } from '../../../src/watcher/dcs/etcd3/token.ts'
import { until } from '../../support/until.ts'

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const jwt = (claims: unknown): string => `${encode({ alg: 'RS256' })}.${encode(claims)}.signature`

test('the end of a JSON Web Token is read, that of anything else is not known', () => {
  assert.equal(expiryOf(jwt({ username: 'u', revision: 3, exp: 1_700_000_000 })), 1_700_000_000_000)
  for (const other of ['', 'abc.12', 'a.b.c', '..', jwt({}), jwt(null), jwt({ exp: '5' }), jwt([1])])
    assert.equal(expiryOf(other), null, other)
})

test('a token of unknown end is fetched once, and again only when it is refused', async () => {
  let fetched = 0
  const token = new Token(() => Promise.resolve(`simple.${++fetched}`))
  assert.deepEqual(await Promise.all([token.get(), token.get()]), ['simple.1', 'simple.1'])
  assert.deepEqual(await Promise.all([token.replace('simple.1'), token.replace('simple.1')]), ['simple.2', 'simple.2'])
  // Refused late: somebody else has another one already.
  assert.equal(await token.replace('simple.1'), 'simple.2')
  assert.equal(await token.get(), 'simple.2')
  assert.equal(fetched, 2)
})

test('a token of known end is renewed in the second half of its life, while it stays in use', async () => {
  const made: string[] = []
  const answers: (() => void)[] = []
  const token = new Token(async () => {
    if (made.length > 0) await new Promise<void>((resolve) => answers.push(resolve))
    const one = jwt({ exp: (Date.now() + 4000) / 1000, number: made.length })
    made.push(one)
    return one
  })
  const since = performance.now()
  const first = await token.get()
  await until('a new one is asked for', async () => {
    if (answers.length > 0) return true
    assert.equal(await token.get(), first)
    return false
  })
  assert.ok(performance.now() - since >= 1900, `${performance.now() - since} ms`)
  answers[0]?.()
  await until('it is used', async () => (await token.get()) === made[1])
  assert.equal(made.length, 2)
})

test('a token whose end has passed by our clock, which may be wrong, is used until it is refused', async () => {
  let fetched = 0
  const token = new Token(() => Promise.resolve(jwt({ exp: 1000, number: ++fetched })))
  const first = await token.get()
  assert.equal(await token.get(), first)
  assert.notEqual(await token.replace(first), first)
  assert.equal(fetched, 2)
})

test('a failure to renew leaves the token that is held, and a failure to get a first one is reported', async () => {
  let failing = false
  let tries = 0
  const token = new Token(() => {
    tries++
    if (failing) return Promise.reject(new Error('away'))
    return Promise.resolve(jwt({ exp: (Date.now() + 200) / 1000 }))
  })
  const first = await token.get()
  failing = true
  await until('its end has passed', async () => {
    assert.equal(await token.get(), first)
    return tries > 2
  })
  await assert.rejects(token.replace(first), /away/)
  await assert.rejects(new Token(() => Promise.reject(new Error('never'))).get(), /never/)
})

test('no token is an answer too, until one is required', async () => {
  let enabled = false
  const token = new Token(() => Promise.resolve(enabled ? 'simple.1' : null))
  assert.equal(await token.get(), null)
  enabled = true
  assert.equal(await token.get(), null)
  assert.equal(await token.replace(null), 'simple.1')
})
