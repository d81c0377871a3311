import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Lookups, type Resolve } from '../../../src/names/lookups.ts'

const hangs = (): Promise<readonly string[]> => Promise.withResolvers<readonly string[]>().promise

function refused(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code}`), { code })
}

void describe('lookups of names', () => {
  void it('1,000 names that hang keep no other name from being resolved', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const underWay = new Set<string>()
    const resolve: Resolve = async (host, signal) => {
      if (host === 'pg1') return ['10.0.0.1']
      underWay.add(host)
      const { promise, reject } = Promise.withResolvers<readonly string[]>()
      signal.addEventListener('abort', () => reject(refused('ETIMEOUT')))
      return promise.finally(() => underWay.delete(host))
    }
    const lookups = new Lookups({ resolve })
    for (let number = 0; number < 1000; number++) lookups.addresses(`hung${number}`).catch(() => undefined)
    let found: readonly string[] = []
    const asked = lookups.addresses('pg1').then((addresses) => (found = addresses))
    for (let passes = 0; passes < 1000 / 64; passes++) {
      t.mock.timers.tick(100)
      await new Promise(setImmediate)
      assert.ok(underWay.size <= 64 + 128, `${underWay.size} at a time`)
    }
    await asked
    assert.deepEqual(found, ['10.0.0.1'])
    lookups.close()
    await new Promise(setImmediate)
    assert.equal(underWay.size, 0)
  })

  void it('names that hung and were never resolved are few at a time', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const answers = new Map<string, PromiseWithResolvers<readonly string[]>>()
    const resolve: Resolve = (host) => {
      const answer = Promise.withResolvers<readonly string[]>()
      answers.set(host, answer)
      return answer.promise
    }
    const lookups = new Lookups({ resolve })
    const names = Array.from({ length: 20 }, (_, number) => `hung${number}`)
    const first = names.map((name) => lookups.addresses(name))
    await new Promise(setImmediate)
    for (const name of names) answers.get(name)?.reject(refused('ETIMEOUT'))
    await Promise.allSettled(first)
    answers.clear()
    const second = names.map((name) => lookups.addresses(name))
    await assert.rejects(second.at(-1) ?? Promise.resolve(), { code: 'EAI_AGAIN' })
    assert.equal(answers.size, 8)
    for (const answer of answers.values()) answer.reject(refused('ETIMEOUT'))
    await Promise.allSettled(second)
  })

  void it('one name is looked up once at a time, whoever asks', async () => {
    const asked: string[] = []
    const answer = Promise.withResolvers<readonly string[]>()
    const lookups = new Lookups({
      resolve: (host) => {
        asked.push(host)
        return answer.promise
      },
    })
    const both = [lookups.addresses('pg1'), lookups.addresses('pg1')]
    answer.resolve(['10.0.0.1'])
    assert.deepEqual(await Promise.all(both), [['10.0.0.1'], ['10.0.0.1']])
    assert.deepEqual(asked, ['pg1'])
  })

  void it('a lookup that fails or hangs takes no earlier answer away', async () => {
    for (const next of [hangs, () => Promise.reject(refused('ENOTFOUND'))]) {
      let resolve = (): Promise<readonly string[]> => Promise.resolve(['10.0.0.1'])
      const lookups = new Lookups({ resolve: () => resolve(), freshMs: 0, patienceMs: 1 })
      await lookups.addresses('pg1')
      resolve = next
      assert.deepEqual(await lookups.addresses('pg1'), ['10.0.0.1'])
    }
  })

  void it('another answer takes the place of the earlier one', async () => {
    const answers = [['10.0.0.1'], ['10.0.0.2']]
    const lookups = new Lookups({ resolve: () => Promise.resolve(answers.shift() ?? []), freshMs: 0 })
    assert.deepEqual(await lookups.addresses('pg1'), ['10.0.0.1'])
    assert.deepEqual(await lookups.addresses('pg1'), ['10.0.0.2'])
  })

  void it('an address is no name: nothing is looked up', async () => {
    const lookups = new Lookups({ resolve: hangs })
    assert.deepEqual(await lookups.addresses('fd00::1'), ['fd00::1'])
  })

  void it('a machine without descriptors takes no earlier answer away either', async () => {
    const starved = Object.assign(new Error('spawn getent EMFILE'), { code: 'EMFILE' })
    let resolve = (): Promise<readonly string[]> => Promise.reject(starved)
    const lookups = new Lookups({ resolve: () => resolve(), freshMs: 0 })
    await assert.rejects(lookups.addresses('pg1'), starved)
    resolve = () => Promise.resolve(['10.0.0.1'])
    await lookups.addresses('pg1')
    resolve = () => Promise.reject(starved)
    assert.deepEqual(await lookups.addresses('pg1'), ['10.0.0.1'])
  })

  void it('the age of an answer grows while the DNS says nothing', async () => {
    let resolve = (): Promise<readonly string[]> => Promise.resolve(['10.0.0.1'])
    const lookups = new Lookups({ resolve: () => resolve(), freshMs: 0, patienceMs: 1 })
    assert.equal(lookups.ageOf('pg1'), Infinity)
    await lookups.addresses('pg1')
    const resolvedAt = performance.now()
    resolve = hangs
    await lookups.addresses('pg1')
    assert.ok(lookups.ageOf('pg1') >= performance.now() - resolvedAt - 1)
    assert.equal(lookups.ageOf('10.0.0.1'), 0)
  })
})
