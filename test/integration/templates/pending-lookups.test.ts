import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LookupCache } from '../../../src/templates/lookup-cache.ts'
import { PendingLookups } from '../../../src/templates/groups/pending-lookups.ts'
import type { Question } from '../../../src/templates/engine/template.ts'
import { until } from '../../support/until.ts'

const ask = (name: string): Question => ({ kind: 'ip', name })

/** A DNS in which `slow` has no answer until it is let go. */
function scene() {
  const slow = Promise.withResolvers<readonly string[]>()
  const asked: string[] = []
  const addresses = (name: string): Promise<readonly string[]> => {
    asked.push(name)
    return name === 'slow' ? slow.promise : Promise.resolve(['10.0.0.1'])
  }
  const others = { services: () => Promise.resolve([]), exists: () => Promise.resolve(false) }
  const cache = new LookupCache({ addresses, ...others })
  const end = new AbortController()
  let answers = 0
  const lookups = new PendingLookups({ answered: () => answers++, fault: assert.ifError, signal: end.signal, cache })
  return { lookups, asked, end, answers: () => answers, letGo: () => slow.resolve(['10.0.0.2']) }
}

test('a name without an answer keeps no other one waiting, and is looked up once', async () => {
  const { lookups, asked, answers, letGo } = scene()
  lookups.ask([ask('slow')])
  lookups.ask([ask('slow'), ask('fast')])
  await until('it is answered', () => answers() === 1, { everyMs: 2 })
  assert.deepEqual(lookups.answers.answerTo(ask('fast')), { ok: true, value: ['10.0.0.1'] })
  assert.deepEqual([lookups.isAsking, lookups.answers.answerTo(ask('slow'))], [true, null])
  letGo()
  await lookups.answered(new AbortController().signal)
  assert.deepEqual([lookups.isAsking, answers(), asked], [false, 2, ['slow', 'fast']])
})

test('a wait for answers can be aborted, and the shutdown waits for none', async () => {
  const { lookups, end } = scene()
  lookups.ask([ask('slow')])
  await lookups.answered(AbortSignal.timeout(10))
  assert.equal(lookups.isAsking, true)
  end.abort()
  await lookups.ended()
})
