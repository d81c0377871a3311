/** The primary's machine itself, in every order of events to a depth, and on long random ways. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  type Alphabet,
  answers,
  dials,
  firstFacts,
  leaders,
  link,
  members,
  moves,
  requests,
  snapshot,
  TIME,
} from '../support/alphabet.ts'
import { beginning, explore, randomNumbers, step, type Visited } from '../support/explore.ts'
import { freeze } from '../support/freeze.ts'
import { checkFuture } from '../support/future.ts'

const TWO = firstFacts(['a', 'b'])
const LOCKLESS = { ...TWO, hasLock: false }
const THREE = firstFacts(['a', 'b', 'c'])
const request = (leader: string | null, member: string | null, scheduledAt: number | null = null) => ({
  leader,
  member,
  scheduledAt,
})

/** How deep; without, to the end: until no new state is left. */
const TO_THE_END = Infinity

const ALPHABETS: Readonly<Record<string, { readonly letters: Alphabet; readonly depth: number }>> = {
  'locks and proofs': {
    depth: TO_THE_END,
    letters: [
      ...leaders(TWO, null, 'a/1', 'a/2', 'b/1'),
      ...link(TWO),
      ...answers('a', 'proof1', 'proof2', 'no', 'lockless1', 'silent', 'old proof2', 'old no', 'old silent'),
      ...answers('b', 'proof1', 'proof2', 'no', 'old proof2'),
      ...TIME.slice(0, 1),
    ],
  },
  'locks, proofs and Postgres': {
    depth: 5,
    letters: [
      ...leaders(TWO, null, 'a/1', 'a/2', 'b/1', 'b/2'),
      ...link(TWO),
      ...answers(
        'a',
        'proof1',
        'proof2',
        'early proof1',
        'stopping',
        'no',
        'silent',
        'unasked',
        'old proof2',
        'old no',
      ),
      ...answers('b', 'proof1', 'proof2', 'stopping', 'no', 'silent', 'old proof2'),
      ...dials('a', 'up', 'down', 'early up', 'old down'),
      ...dials('b', 'up', 'down'),
      ...TIME,
    ],
  },
  'Postgres that goes and comes back': {
    depth: TO_THE_END,
    letters: [
      ...leaders(TWO, null, 'a/1', 'a/2', 'b/1'),
      ...link(TWO).slice(0, 2),
      ...answers('a', 'proof1', 'early proof1', 'old proof1', 'stopping', 'no', 'silent'),
      ...dials('a', 'up', 'down', 'early up', 'old up', 'old down'),
      ...TIME.slice(0, 2),
    ],
  },
  'the failover key': {
    depth: TO_THE_END,
    letters: [
      ...leaders(TWO, null, 'a/1', 'b/1'),
      ...requests(TWO, null, request('a', 'b'), request(null, 'b'), request('a', null), request(null, 'a')),
      ...requests(TWO, request('a', 'b', 0), request('a', 'b', 5000), request(null, 'b', -60_000), request(null, null)),
      snapshot('pause on or off', TWO, ({ paused }) => ({ paused: !paused })),
      ...answers('a', 'proof1', 'stopping', 'no', 'lockless1'),
      ...dials('a', 'down', 'up'),
      ...TIME,
    ],
  },
  'what a proof stands on': {
    depth: 5,
    letters: [
      ...leaders(TWO, null, 'a/1', 'a/2', 'b/1'),
      ...link(TWO),
      snapshot('standby cluster on or off', TWO, ({ standbyCluster }) => ({ standbyCluster: !standbyCluster })),
      ...['X', 'Y', null].map((systemId) => snapshot(`initialize ${systemId}`, TWO, () => ({ systemId }))),
      ...members(TWO, 'a', null, { address: 'a' }, { address: 'moved' }, { address: null }),
      ...members(TWO, 'a', { timeline: 1 }, { timeline: 2 }, { timeline: 1e9 }),
      ...answers('a', 'proof1', 'proof2', 'no', 'lockless1', 'silent', 'old proof1'),
      ...answers('b', 'proof1'),
      ...TIME.slice(0, 1),
    ],
  },
  'a member whose name leads elsewhere': {
    depth: TO_THE_END,
    letters: [
      ...leaders(TWO, null, 'a/1', 'b/1'),
      ...link(TWO),
      ...moves('a', 'a', 'elsewhere', null),
      ...answers('a', 'proof1', 'no', 'old proof1', 'old no'),
      ...answers('b', 'proof1', 'no'),
      ...TIME.slice(0, 1),
    ],
  },
  'no lock to read': {
    depth: 6,
    letters: [
      ...[null, 'a', 'b'].map((claimed) => snapshot(`the members name ${claimed}`, LOCKLESS, () => ({ claimed }))),
      ...link(LOCKLESS).slice(0, 2),
      snapshot('standby cluster on or off', LOCKLESS, ({ standbyCluster }) => ({ standbyCluster: !standbyCluster })),
      ...answers('a', 'proof1', 'proof2', 'stopping', 'no', 'lockless1', 'silent', 'unasked', 'old proof2'),
      ...answers('b', 'proof1', 'proof2', 'no', 'silent'),
      ...dials('a', 'up', 'down'),
      ...TIME.slice(0, 2),
    ],
  },
  'claims of three members': {
    depth: 5,
    letters: [
      ...leaders(THREE, null, 'a/1', 'b/1', 'c/1'),
      ...link(THREE),
      ...['a', 'b', 'c'].flatMap((name) => answers(name, 'proof1', 'proof2', 'no', 'silent')),
      ...members(THREE, 'b', null),
      ...TIME.slice(0, 1),
    ],
  },
}

function checkState(visited: Visited): void {
  for (const member of ['a', 'b']) checkFuture(visited, member)
}

describe('every order of events keeps the promises of the primary', () => {
  for (const [name, { letters, depth }] of Object.entries(ALPHABETS)) {
    test(`${name}: ${letters.length} events, ${depth === TO_THE_END ? 'to the end' : `${depth} deep`}`, (context) => {
      const { states, transitions, complete, seconds } = explore(letters, depth, checkState)
      const all = complete ? ', which is all there is' : ''
      context.diagnostic(`${states} states, ${transitions} transitions in ${seconds.toFixed(1)} s${all}`)
      assert.equal(complete, depth === TO_THE_END)
      assert.ok(states > 1000, 'the alphabet leads nowhere')
    })
  }
})

describe('long random ways keep them too', () => {
  const letters = [
    ...leaders(THREE, null, 'a/1', 'a/2', 'b/1', 'b/2', 'c/1'),
    ...link(THREE),
    ...requests(THREE, null, request('a', 'b'), request(null, 'c'), request('b', 'a', 5000), request('a', null)),
    snapshot('pause on or off', THREE, ({ paused }) => ({ paused: !paused })),
    snapshot('standby cluster on or off', THREE, ({ standbyCluster }) => ({ standbyCluster: !standbyCluster })),
    ...['X', 'Y', null].map((systemId) => snapshot(`initialize ${systemId}`, THREE, () => ({ systemId }))),
    ...['a', 'b', 'c'].flatMap((name) => [
      ...members(THREE, name, null, { address: name }, { address: `${name} moved` }, { timeline: 1e9 }),
      ...answers(
        name,
        'proof1',
        'proof1',
        'proof2',
        'early proof2',
        'old proof2',
        'stopping',
        'no',
        'lockless1',
        'silent',
        'unasked',
      ),
      ...dials(name, 'up', 'up', 'down', 'early up', 'old down'),
      ...moves(name, name, `${name} moved`, null),
    ]),
    ...TIME,
  ]
  for (const seed of [1, 2, 3, 4]) {
    test(`40 ways of 100 events, seed ${seed}`, () => {
      const random = randomNumbers(seed)
      for (let way = 0; way < 40; way += 1) {
        let at: Visited | null = beginning()
        for (let count = 0; count < 100; count += 1) {
          const letter = letters[random() % letters.length]
          assert.ok(letter)
          at = step(at, letter) ?? at
          freeze(at.machine)
          checkState(at)
          assert.deepEqual(structuredClone(at.machine), at.machine, 'plain data')
        }
      }
    })
  }
})
