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

  void it('names that hung and were never resolved are few at a time, and each has its turn: a name that recovers is found', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const asked: string[] = []
    const underWay: PromiseWithResolvers<readonly string[]>[] = []
    const hanging = (): Promise<readonly string[]> => {
      const answer = Promise.withResolvers<readonly string[]>()
      underWay.push(answer)
      return answer.promise
    }
    const giveUp = async (): Promise<void> => {
      for (const { reject } of underWay.splice(0)) reject(refused('ETIMEOUT'))
      await new Promise(setImmediate)
    }
    let isBack = false
    const lookups = new Lookups({
      resolve: (host) => {
        asked.push(host)
        return isBack && host === 'hung49' ? Promise.resolve(['10.0.0.1']) : hanging()
      },
    })
    const names = Array.from({ length: 50 }, (_, number) => `hung${number}`)
    const first = Promise.allSettled(names.map((name) => lookups.addresses(name)))
    await new Promise(setImmediate)
    await giveUp()
    await first
    isBack = true
    asked.length = 0
    const rounds = names.map((name) => lookups.addresses(name).catch(() => []))
    const found = rounds[49]
    for (let rest = 50; rest > 0; rest -= 8) {
      await new Promise(setImmediate)
      assert.ok(underWay.length <= 8, `${underWay.length} at a time`)
      await giveUp()
    }
    assert.deepEqual(await found, ['10.0.0.1'])
    assert.deepEqual(asked, names)
    await Promise.all(rounds)
    lookups.close()
  })

  void it('a lookup that waits for its turn ends when all lookups are closed', async () => {
    const lookups = new Lookups({
      resolve: (_host, signal) =>
        new Promise((_resolve, reject) => {
          const giveUp = (): void => reject(refused('ETIMEOUT'))
          if (signal.aborted) giveUp()
          else signal.addEventListener('abort', giveUp)
        }),
    })
    const waiting = Array.from({ length: 100 }, (_, number) => lookups.addresses(`hung${number}`))
    lookups.close()
    for (const { status } of await Promise.allSettled(waiting)) assert.equal(status, 'rejected')
  })

  void it('of names without end, 10,000 are kept', async () => {
    let asked = 0
    const lookups = new Lookups({ resolve: () => Promise.resolve([`10.0.0.${++asked % 250}`]) })
    await lookups.addresses('first')
    for (let number = 0; number < 10_000; number++) await lookups.addresses(`name${number}`)
    assert.equal(lookups.ageOf('first'), Infinity)
    assert.ok(lookups.ageOf('name9999') < Infinity)
    assert.equal(asked, 10_001)
  })

  void it('one name is looked up once at a time, for all callers', async () => {
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

  void it('the answer of an earlier run is used while the DNS fails, is of no known age, and gives way to a new one', async () => {
    let resolve = (): Promise<readonly string[]> => Promise.reject(refused('EAI_AGAIN'))
    const lookups = new Lookups({ resolve: () => resolve(), freshMs: 0, patienceMs: 1 })
    lookups.recall('pg1', ['10.0.0.1'])
    assert.deepEqual(await lookups.addresses('pg1'), ['10.0.0.1'])
    assert.equal(lookups.ageOf('pg1'), Infinity)
    resolve = () => Promise.resolve(['10.0.0.2'])
    assert.deepEqual(await lookups.addresses('pg1'), ['10.0.0.2'])
    lookups.recall('pg1', ['10.0.0.1'])
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
