import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LookupCache } from '../../../../src/templates/lookup-cache.ts'
import { Inquiry } from '../../../../src/templates/groups/inquiry.ts'
import type { Question } from '../../../../src/templates/engine/template.ts'
import { until } from '../../../support/until.ts'

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
  const book = new LookupCache({ addresses, ...others })
  const end = new AbortController()
  let answers = 0
  const inquiry = new Inquiry({ answered: () => answers++, fault: assert.ifError, signal: end.signal, book })
  return { inquiry, asked, end, answers: () => answers, letGo: () => slow.resolve(['10.0.0.2']) }
}

test('a name without an answer keeps no other one waiting, and is asked for once', async () => {
  const { inquiry, asked, answers, letGo } = scene()
  inquiry.ask([ask('slow')])
  inquiry.ask([ask('slow'), ask('fast')])
  await until('it is answered', () => answers() === 1, { everyMs: 2 })
  assert.deepEqual(inquiry.answers.answerTo(ask('fast')), { ok: true, value: ['10.0.0.1'] })
  assert.deepEqual([inquiry.isAsking, inquiry.answers.answerTo(ask('slow'))], [true, null])
  letGo()
  await inquiry.answered(new AbortController().signal)
  assert.deepEqual([inquiry.isAsking, answers(), asked], [false, 2, ['slow', 'fast']])
})

test('who waits for answers can give that up, and the end of it all waits for none', async () => {
  const { inquiry, end } = scene()
  inquiry.ask([ask('slow')])
  await inquiry.answered(AbortSignal.timeout(10))
  assert.equal(inquiry.isAsking, true)
  end.abort()
  await inquiry.ended()
})
