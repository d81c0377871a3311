/** What people read is plain English: the patterns are in test/support/wording.ts, which also lists what it finds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { describeFinding, EXCEPTIONS, findings, PATTERNS, roomOf } from '../support/wording.ts'
import { readableTexts } from '../support/readable-texts.ts'

const TEXTS = readableTexts()
const FOUND = findings(TEXTS)

for (const room of new Set(TEXTS.map(({ file }) => roomOf(file))))
  test(`${room} is plain English`, () => {
    const found = FOUND.filter(({ text }) => roomOf(text.file) === room)
    assert.equal(found.length, 0, `${found.length} findings:\n${found.map(describeFinding).join('\n')}`)
  })

test('every pattern finds what it is about', () => {
  const examples: Readonly<Record<string, string>> = {
    'since a duration': 'up since ${age}',
    'plural without a singular': 'closed ${…} sessions',
    prove: 'a member that has proved itself',
    'person for a thing': 'nobody can serve',
    'who of a thing': 'the members who may enter',
    told: 'failures are told',
    'in the place of': 'in the place of the old one',
    'asked for': 'a switchover is asked for',
    'asks, of a program': 'the router asks the members',
    'of no use': 'a file of no use',
    'in the moment': 'in the moment of a switchover',
    'lost its power': 'the host lost its power',
    'must | kept': 'must',
    'clause as subject': 'What fails is reported',
    'One that, as subject': 'One that is deleted is gone',
    'again and again': 'again and again',
    'speaks, knows, believes': 'etcd speaks v2 only',
    'holds for': 'HAProxy holds every server to be good',
    away: 'etcd is away',
    'goes on': 'the router goes on',
    'takes connections': 'it takes new connections',
    dial: 'a failed dial',
    mend: 'it is mended',
    'in vain': 'queried in vain',
    anew: 'read anew',
    bookish: 'whereby it ends',
    'no more': 'it is served no more.',
    'another one': 'its database is another one',
    'stands in': 'the key stands in the file',
    'unless said otherwise': '2 s unless said otherwise',
    'doc comment without a verb': 'What is left of it.',
  }
  assert.deepEqual(
    Object.keys(examples),
    PATTERNS.map(({ name }) => name),
  )
  for (const { name, pattern } of PATTERNS) assert.match(examples[name] ?? '', pattern, name)
})

test('plain English is left alone', () => {
  for (const text of [
    'primary: pg1 OPEN for 2d04h',
    '${counted} on pg1 closed',
    'Returns users who may enter, or null.',
    'the leader key is gone and no member reports that it is the primary',
  ])
    for (const { name, pattern } of PATTERNS.filter(({ kinds }) => kinds?.includes('said') !== false))
      assert.doesNotMatch(text, pattern, name)
})

test('every exception is still needed', () => {
  for (const { file, text } of EXCEPTIONS)
    assert.ok(
      TEXTS.some((each) => each.file === file && text.test(each.text)),
      `${file}: ${text}`,
    )
})
