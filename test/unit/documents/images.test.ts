/** The drawings in docs/images. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Result } from '../../../bench/results.ts'
import { drawnTransitions, STATES } from '../../../scripts/images/states.ts'
import { switchoverImage, switchoverOf } from '../../../scripts/images/switchover.ts'
import { IMAGES } from '../../../scripts/images/images.ts'
import { PRIMARY_STATES } from '../../../src/config/config.ts'
import { answers, dials, firstFacts, leaders, link, requests, snapshot, TIME } from '../watcher/support/alphabet.ts'
import { beginning, randomNumbers, step } from '../watcher/support/explore.ts'

const MOST_WIDTH = 900
/** Of the widest usual font, in pixels a character; bold titles are short. */
const CHARACTER = 6.9

/** Returns the elements in their order. @throws when a tag is not closed, or closed twice. */
function elements(image: string): readonly { readonly name: string; readonly attributes: Map<string, string> }[] {
  const open: string[] = []
  const found = [...image.matchAll(/<(\/?)([a-z]+)((?: [\w-]+(?::\w+)?="[^"<>]*")*)(\/?)>/gi)]
  assert.equal(image.replaceAll(/<[^>]*>/g, '').match(/[<>]/), null)
  assert.equal(found.length, image.match(/</g)?.length)
  for (const [, end, name = '', , empty] of found) {
    if (end === '/') assert.equal(open.pop(), name)
    else if (empty !== '/') open.push(name)
  }
  assert.deepEqual(open, [])
  assert.doesNotMatch(image, /&(?!(?:amp|lt|gt|quot);)/)
  return found
    .filter(([, end]) => end === '')
    .map(([, , name = '', attributes = '']) => {
      const pairs = [...attributes.matchAll(/ ([\w:-]+)="([^"]*)"/g)].map(
        ([, key = '', value = '']) => [key, value] as const,
      )
      return { name, attributes: new Map(pairs) }
    })
}

for (const { file, text } of IMAGES) {
  test(`${file} is well-formed, has a title, needs nothing else and fits a page`, () => {
    const image = text()
    const [first, second] = elements(image)
    assert.equal(first?.name, 'svg')
    assert.equal(first.attributes.get('role'), 'img')
    assert.equal(second?.name, 'title')
    assert.equal(second.attributes.get('id'), first.attributes.get('aria-labelledby'))
    assert.ok(Number(first.attributes.get('width')) <= MOST_WIDTH)
    assert.match(image, /prefers-color-scheme: dark/)
    assert.doesNotMatch(image, /href|@import|@font-face|url\((?!#)|NaN|undefined/)
  })

  test(`the words of ${file} are inside of it`, () => {
    const image = text()
    const all = [
      ...image.matchAll(/<text x="([\d.]+)" y="([\d.]+)"(?: class="(\w+)")?(?: text-anchor="(\w+)")?>([^<]+)</g),
    ]
    assert.equal(all.length, image.match(/<text /g)?.length)
    const height = Number(/ height="(\d+)"/.exec(image)?.[1])
    for (const [, x, y, , anchor = 'start', content = ''] of all) {
      const width = content.length * CHARACTER
      const left = Number(x) - (anchor === 'end' ? width : anchor === 'middle' ? width / 2 : 0)
      assert.ok(left > 0 && left + width < MOST_WIDTH, content)
      assert.ok(Number(y) > 12 && Number(y) < height - 4, content)
    }
  })
}

test('every state of the primary is drawn once', () => {
  assert.deepEqual(STATES.map(({ state }) => state).toSorted(), PRIMARY_STATES.toSorted())
})

test('every transition that is drawn is one that the machine makes', () => {
  const first = firstFacts(['a', 'b'])
  const request = { leader: 'a', member: 'b', scheduledAt: null }
  const letters = [
    ...leaders(first, null, 'a/1', 'a/2', 'b/1'),
    ...link(first),
    ...requests(first, null, request),
    snapshot('standby cluster on or off', first, ({ standbyCluster }) => ({ standbyCluster: !standbyCluster })),
    ...answers('a', 'proof1', 'proof1', 'stopping', 'no', 'promoting', 'silent', 'lockless1'),
    ...answers('b', 'proof1', 'proof2', 'no'),
    ...dials('a', 'up', 'down'),
    ...TIME,
  ]
  const made = new Set<string>()
  const random = randomNumbers(1)
  for (let way = 0; way < 400; way++) {
    let at = beginning()
    for (let count = 0; count < 100; count++) {
      const letter = letters[random() % letters.length]
      assert.ok(letter)
      const to = step(at, letter) ?? at
      made.add(`${at.machine.phase.state} -> ${to.machine.phase.state}`)
      at = to
    }
  }
  for (const drawn of drawnTransitions()) assert.ok(made.has(drawn), drawn)
})

test('the timeline of a switchover is drawn from the results', () => {
  const one = (key: string, router: number, haproxy: number, cluster: number) => ({
    [key]: { router: [router], haproxy: [haproxy], cluster: [cluster] },
  })
  const result = (add: number): Result => ({
    ...{ case: 'switchover', machine: '2 cores', run: 1, at: '2026-11-28T12:00:00.000Z' },
    ...{ notes: {}, remarks: [], lateMs: 3, error: null, log: [] },
    samples: {
      ...one('stops', 0, 200, 200),
      ...one('outage', 1400 + add, 3800, 1000),
      ...{ failed: { router: [0], haproxy: [70 + add] }, 'read-only': { haproxy: [250] } },
      ...{ held: { router: [4] }, 'lock-gone': { router: [1100 + add] }, open: { router: [1380] } },
      'held-clients': { router: [71] },
    },
  })
  const image = switchoverImage(switchoverOf([result(-100), result(0), result(100)]))
  for (const words of [
    'Medians of 3 runs.',
    'no member accepts writes for 1.0 s',
    'clients wait (71), 1.4 s at most; none fails',
    'no write for 3.8 s: 70 failed connections, 250 writes to a read-only server',
    '>4 ms<',
    '>1100 ms<',
    '>1380 ms<',
  ])
    assert.ok(image.includes(words), words)
  // 4 s are 700 pixels: HAProxy's bar is as long as its outage.
  const bar = /class="bad" x="([\d.]+)" y="[\d.]+" width="([\d.]+)"/.exec(image)
  assert.deepEqual(bar?.slice(1).map(Number), [185, 665])
  assert.throws(() => switchoverOf([]), /no switchover/)
})
