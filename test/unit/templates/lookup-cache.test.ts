import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'
import {
  LookupCache,
  type LookupSources,
  type ServiceRecord,
  systemSources,
} from '../../../src/templates/lookup-cache.ts'
import type { Question } from '../../../src/templates/engine/template.ts'

const IP: Question = { kind: 'ip', name: 'db.local' }
const SRV: Question = { kind: 'srv', name: '_mail._tcp.example.com' }
const never = new AbortController().signal

function sources(own: Partial<LookupSources>): LookupSources {
  const unexpected = (): never => assert.fail('not expected to be looked up')
  return { addresses: unexpected, services: unexpected, exists: unexpected, ...own }
}

function coded(code: string): Error {
  return Object.assign(new Error(`queryA ${code} db.local`), { code })
}

test('a name that was not looked up has no answer', () => {
  assert.equal(new LookupCache(sources({})).answers.answerTo(IP), null)
})

test('addresses come sorted and once, whatever the order of the DNS', async () => {
  const addresses = (): Promise<string[]> => Promise.resolve(['::1', '10.0.0.2', '10.0.0.1', '10.0.0.2'])
  const cache = new LookupCache(sources({ addresses }))
  const [v4, v6]: Question[] = [
    { kind: 'ipv4', name: 'db.local' },
    { kind: 'ipv6', name: 'db.local' },
  ]
  assert.ok(v4 !== undefined && v6 !== undefined)
  await cache.answer([IP, v4, v6], never)
  assert.deepEqual(cache.answers.answerTo(IP), { ok: true, value: ['10.0.0.1', '10.0.0.2', '::1'] })
  assert.deepEqual(cache.answers.answerTo(v4), { ok: true, value: ['10.0.0.1', '10.0.0.2'] })
  assert.deepEqual(cache.answers.answerTo(v6), { ok: true, value: ['::1'] })
})

test('services come in the order of priority and name, without the last dot', async () => {
  const records: ServiceRecord[] = [
    { name: 'b.example.com', port: 25, priority: 10, weight: 5 },
    { name: 'c.example.com.', port: 25, priority: 5, weight: 1 },
    { name: 'a.example.com', port: 25, priority: 10, weight: 0 },
  ]
  const cache = new LookupCache(sources({ services: () => Promise.resolve(records) }))
  await cache.answer([SRV], never)
  const value = ['c.example.com:25 5 1', 'a.example.com:25 10 0', 'b.example.com:25 10 5']
  assert.deepEqual(cache.answers.answerTo(SRV), { ok: true, value })
})

test('a target of . means that there is no such service', async () => {
  const services = (): Promise<ServiceRecord[]> => Promise.resolve([{ name: '.', port: 0, priority: 0, weight: 0 }])
  const cache = new LookupCache(sources({ services }))
  await cache.answer([SRV], never)
  assert.deepEqual(cache.answers.answerTo(SRV), { ok: true, value: [] })
})

test('a target that is no name is ignored', async () => {
  const bad = [{ name: 'a b\n', port: 25, priority: 0, weight: 0 }]
  const cache = new LookupCache(sources({ services: () => Promise.resolve(bad) }))
  await cache.answer([SRV], never)
  assert.deepEqual(cache.answers.answerTo(SRV), { ok: false, reason: 'has a target that is no name of a host' })
})

test('a name that is none is not looked up', async () => {
  const cache = new LookupCache(sources({}))
  for (const name of ['', 'a b', 'a\nb', 'a\0b', '../etc', '"', 'x'.repeat(254)]) {
    const question: Question = { kind: 'ip', name }
    await cache.answer([question], never)
    assert.deepEqual(cache.answers.answerTo(question), { ok: false, reason: 'is not the name of a host' })
  }
})

for (const [code, reason] of [
  ['ENOTFOUND', 'does not resolve'],
  ['ENODATA', 'does not resolve'],
  ['ESERVFAIL', 'cannot be resolved (ESERVFAIL)'],
] as const) {
  test(`${code}: ${reason}, and the name is not in the reason`, async () => {
    const cache = new LookupCache(sources({ addresses: () => Promise.reject(coded(code)) }))
    await cache.answer([IP], never)
    assert.deepEqual(cache.answers.answerTo(IP), { ok: false, reason })
  })
}

test('a lookup that hangs is an answer too, and is not put again while it hangs', async () => {
  let asked = 0
  const { promise, resolve } = Promise.withResolvers<string[]>()
  const addresses = (): Promise<string[]> => {
    asked++
    return promise
  }
  const cache = new LookupCache(sources({ addresses }), 20)
  await cache.answer([IP], never)
  assert.deepEqual(cache.answers.answerTo(IP), { ok: false, reason: 'has no answer within 0.02 s' })
  await cache.refresh(never)
  assert.equal(asked, 1)
  resolve(['10.0.0.1'])
  await cache.refresh(never)
  assert.deepEqual(cache.answers.answerTo(IP), { ok: true, value: ['10.0.0.1'] })
})

test('a known answer is not looked up again, a failed one is', async () => {
  let asked = 0
  const addresses = (): Promise<string[]> =>
    ++asked === 1 ? Promise.reject(coded('EAI_AGAIN')) : Promise.resolve(['10.0.0.1'])
  const cache = new LookupCache(sources({ addresses }))
  await cache.answer([IP, IP], never)
  assert.equal(asked, 1)
  await cache.answer([IP], never)
  await cache.answer([IP], never)
  assert.equal(asked, 2)
})

test('asking again takes a new answer, and keeps a good one where there is none', async () => {
  let answer = (): Promise<string[]> => Promise.resolve(['10.0.0.1'])
  const cache = new LookupCache(sources({ addresses: () => answer() }))
  await cache.answer([IP], never)
  const before = cache.answers
  answer = () => Promise.resolve(['10.0.0.2'])
  await cache.refresh(never)
  assert.deepEqual(cache.answers.answerTo(IP), { ok: true, value: ['10.0.0.2'] })
  assert.deepEqual(before.answerTo(IP), { ok: true, value: ['10.0.0.1'] }, 'answers do not change once they are given')
  answer = () => Promise.reject(coded('ENOTFOUND'))
  await cache.refresh(never)
  assert.deepEqual(cache.answers.answerTo(IP), { ok: true, value: ['10.0.0.2'] })
})

test('a signal ends the wait, and nothing is noted', { timeout: 10_000 }, async () => {
  const hanging = new Promise<string[]>(() => undefined)
  const cache = new LookupCache(sources({ addresses: () => hanging }), 60_000)
  const controller = new AbortController()
  const answered = cache.answer([IP], controller.signal)
  controller.abort()
  await answered
  assert.equal(cache.answers.answerTo(IP), null)
})

test('the system answers for addresses, localhost and files', async () => {
  const dir = import.meta.dirname
  const questions: Question[] = [
    { kind: 'ip', name: '127.0.0.1' },
    { kind: 'ipv4', name: 'localhost' },
    { kind: 'file', name: dir },
    { kind: 'file', name: join(dir, 'missing') },
    { kind: 'file', name: '/etc/passwd/x' },
  ]
  const cache = new LookupCache(systemSources(new Lookups()), 20_000)
  await cache.answer(questions, never)
  assert.deepEqual(
    questions.map((question) => cache.answers.answerTo(question)),
    [['127.0.0.1'], ['127.0.0.1'], true, false, false].map((value) => ({ ok: true, value })),
  )
})

test('a name without a reader is looked up again some times, and then forgotten', async () => {
  const asked: string[] = []
  const addresses = (host: string): Promise<string[]> => {
    asked.push(host)
    return Promise.resolve(['10.0.0.1'])
  }
  const cache = new LookupCache(sources({ addresses }))
  const other: Question = { kind: 'ip', name: 'other.local' }
  await cache.answer([IP, other], never)
  for (let time = 0; time < 30; time++) {
    assert.equal(cache.answers.answerTo(IP)?.ok, true)
    await cache.refresh(never)
  }
  const timesOf = (host: string): number => asked.filter((one) => one === host).length
  assert.equal(timesOf('db.local'), 31)
  assert.ok(timesOf('other.local') > 1 && timesOf('other.local') < 15)
  assert.equal(cache.answers.answerTo(other), null)
})
