/** Which of several databases is meant. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { identify, type Shown } from '../../../../../src/watcher/dcs/member-reports/identity.ts'

/** `A`: shows A; `(A)`: showed A and is silent now; `-`: answers without a database; `x`: silent ever since; `?`: not asked. */
function sources(text: string): Shown[] {
  return text.split(' ').map((word) => {
    const last = /[A-Z]/.exec(word)?.[0] ?? null
    return { asked: word !== '?', now: word.startsWith('(') ? null : last, last }
  })
}

describe('the database', () => {
  const rows: readonly (readonly [string, string | null, string, string])[] = [
    ['is that of all', null, 'A A A', 'A'],
    ['is that of more than half, before the others are asked', null, 'A A ?', 'A'],
    ['is not that of one while others are to be asked', null, 'A ? ?', 'unsettled'],
    ['is that of one when the others are silent', null, 'A x x', 'A'],
    ['is unknown while nobody has one', null, '- x', 'none'],
    ['is unknown while nobody has one and somebody is to be asked', null, '- ?', 'unsettled'],
    ['is in doubt where two show two', null, 'A B', 'conflict'],
    ['is in doubt even if one of the two has gone silent since', null, '(A) B', 'conflict'],
    ['is that of most where one is a stranger', null, 'A A B', 'A'],
    ['that is known stays while anybody shows it', 'A', 'A B B B', 'A'],
    ['that is known stays while all are silent', 'A', '(A) (A) x', 'A'],
    ['that is known is not given up for a stranger that alone answers', 'A', '(A) (A) B', 'A'],
    ['that is known is not given up for half', 'A', '(A) B', 'A'],
    ['that is known stays while the members have none', 'A', '- - -', 'A'],
    ['is another one when the cluster was made anew', 'A', '(A) B B', 'B'],
  ]
  for (const [what, known, shown, expected] of rows) {
    test(what, () => {
      const identity = identify(known, sources(shown))
      assert.equal(identity.kind === 'known' ? identity.systemId : identity.kind, expected)
    })
  }

  test('in doubt names all that there are', () => {
    assert.deepEqual(identify(null, sources('A B - B')), { kind: 'conflict', systemIds: ['A', 'B'] })
  })
})
