import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { Lookups } from '../../../src/names/lookups.ts'

const hangs = (): Promise<readonly string[]> => Promise.withResolvers<readonly string[]>().promise

function refused(code: string): Error {
  return Object.assign(new Error(`getaddrinfo ${code}`), { code })
}

void describe('lookups of names', () => {
  void it('50 names that hang keep no other name from being resolved', async (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] })
    const lookups = new Lookups({ resolve: (host) => (host === 'pg1' ? Promise.resolve(['10.0.0.1']) : hangs()) })
    for (let number = 0; number < 50; number++) lookups.addresses(`hung${number}`).catch(() => undefined)
    await assert.rejects(lookups.addresses('pg1'), { code: 'EAI_AGAIN' })
    t.mock.timers.tick(500)
    for (let number = 0; number < 31; number++) lookups.addresses(`more${number}`).catch(() => undefined)
    assert.deepEqual(await lookups.addresses('pg1'), ['10.0.0.1'])
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
})
