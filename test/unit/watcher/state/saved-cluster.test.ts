/** What is kept of a cluster, and what is made of a state file that is not what it was. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { parseMember } from '../../../../src/watcher/members/member.ts'
import {
  decodeState,
  encodeState,
  fromSaved,
  pinsOf,
  type SavedCluster,
  toSaved,
} from '../../../../src/watcher/state/saved-cluster.ts'
import { member, present } from '../sample.ts'

const IDENTITY = { scope: 'demo', namespace: 'service', citusGroup: null }
const CLUSTER = { systemId: '7268616322854375442', standbyCluster: false, timelineFloor: 3 }
const MEMBERS = [
  member('pg2', { proxy: { host: 'fd00::2', port: 6000 }, tags: { dc: 'a', noloadbalance: true, n: 1.5 } }),
  member('pg1', { host: 'fe80::1%eth0', port: 6432, restUrl: 'http://[fe80::1%25eth0]:8008', timeline: null }),
  member('pg3', { host: null }),
]
const SAVED = toSaved(CLUSTER, present(...MEMBERS))

function decoded(text: string): SavedCluster | string {
  const state = decodeState(text, IDENTITY)
  return state.ok ? state.value : state.message
}

/** The state file with another value somewhere. */
function changed(path: readonly (string | number)[], value: unknown): string {
  const state = JSON.parse(encodeState(IDENTITY, SAVED)) as Record<string | number, unknown>
  const last = path.at(-1) ?? ''
  const node = path.slice(0, -1).reduce((at, key) => at[key] as Record<string | number, unknown>, state)
  if (value === undefined) Reflect.deleteProperty(node, last)
  else node[last] = value
  return JSON.stringify(state)
}

describe('the state of a cluster', () => {
  test('is what it was after it was written and read', () => {
    assert.deepEqual(decoded(encodeState(IDENTITY, SAVED)), SAVED)
    assert.deepEqual(
      SAVED.members.map(({ name }) => name),
      ['pg1', 'pg2', 'pg3'],
    )
    const zoned = toSaved(CLUSTER, present(member('pg1', { host: 'fe80::1%25g' })))
    assert.deepEqual(decoded(encodeState(IDENTITY, zoned)), zoned)
    const none = toSaved({ systemId: null, standbyCluster: true, timelineFloor: 0 }, [])
    assert.deepEqual(decoded(encodeState(IDENTITY, none)), none)
  })

  test('gives members of which nothing is known but where they are', () => {
    const unknown = { role: 'unknown', state: 'unknown', position: null, replicationState: null, version: null }
    const [pg1, pg2, pg3] = MEMBERS.toSorted((a, b) => (a.name < b.name ? -1 : 1))
    assert.deepEqual(
      fromSaved(SAVED, 0),
      present(...[pg1, pg2, pg3].flatMap((one) => (one === undefined ? [] : [{ ...one, ...unknown }]))),
    )
  })

  test('is the same text whatever a healthy cluster changes, and whatever the order', () => {
    const churned = MEMBERS.toReversed().map((one, index) => ({
      ...one,
      ...{
        role: 'primary',
        state: 'stopping',
        position: index,
        replicationState: null,
        version: '5',
        pendingRestart: true,
      },
      tags: Object.fromEntries(Object.entries(one.tags).toReversed()),
    }))
    assert.equal(encodeState(IDENTITY, toSaved(CLUSTER, present(...churned))), encodeState(IDENTITY, SAVED))
  })

  test('is another text with another address, timeline, tag, floor, identifier or kind of cluster', () => {
    const texts = [
      SAVED,
      toSaved({ ...CLUSTER, timelineFloor: 4 }, present(...MEMBERS)),
      toSaved({ ...CLUSTER, systemId: null }, present(...MEMBERS)),
      toSaved({ ...CLUSTER, standbyCluster: true }, present(...MEMBERS)),
      ...[{ host: 'h' }, { port: 1 }, { proxy: null }, { restUrl: 'http://h' }, { timeline: 2 }, { tags: {} }].map(
        (change) => toSaved(CLUSTER, present(member('pg2', { ...MEMBERS[0], ...change }))),
      ),
    ].map((saved) => encodeState(IDENTITY, saved))
    assert.equal(new Set(texts).size, texts.length)
  })

  test('keeps since when a key has gone, which makes it a file that an older router leaves alone', () => {
    const [one, two] = present(member('pg1'), member('pg2'))
    assert.ok(one !== undefined && two !== undefined)
    const saved = toSaved(CLUSTER, [one, { ...two, goneSince: 5000 }])
    const text = encodeState(IDENTITY, saved)
    assert.deepEqual(decoded(text), saved)
    const times = (now: number) => fromSaved(saved, now).map(({ member: { name }, goneSince }) => [name, goneSince])
    assert.deepEqual(times(9000), [
      ['pg1', null],
      ['pg2', 5000],
    ])
    // Somebody has set the clock back: what would have gone in the future goes now, and is forgotten in its time.
    assert.deepEqual(times(3000)[1], ['pg2', 3000])
    const formats = [text, encodeState(IDENTITY, SAVED)].map((one) => (JSON.parse(one) as { format: number }).format)
    assert.deepEqual(formats, [2, 1])
  })

  test('keeps where members of names were confirmed, which an older router leaves alone as well', () => {
    const pins = new Map([
      [
        'pg1',
        new Map([
          ['db1.example', '10.0.0.1'],
          ['api.example', 'fd00::1'],
        ]),
      ],
      ['gone', new Map([['db9.example', '10.0.0.9']])],
    ])
    const saved = toSaved(CLUSTER, present(member('pg1'), member('pg2')), pins)
    const text = encodeState(IDENTITY, saved)
    assert.equal((JSON.parse(text) as { format: number }).format, 2)
    const read = decodeState(text, IDENTITY)
    assert.ok(read.ok)
    assert.deepEqual(pinsOf(read.value).get('pg1'), pins.get('pg1'))
    assert.deepEqual([...pinsOf(read.value).keys()], ['pg1', 'pg2'])
  })

  test('keeps that a primary on a higher timeline served before, which an older router leaves alone as well', () => {
    const setBack = toSaved({ ...CLUSTER, served: { highest: 5, last: 3 } }, present(...MEMBERS))
    const text = encodeState(IDENTITY, setBack)
    assert.deepEqual(decoded(text), setBack)
    assert.equal((JSON.parse(text) as { format: number }).format, 2)
    // The floor may have gone, with a restored DCS.
    const noFloor = toSaved({ ...CLUSTER, timelineFloor: 0, served: { highest: 5, last: 5 } }, [])
    assert.deepEqual(decoded(encodeState(IDENTITY, noFloor)), noFloor)
    const reached = toSaved({ ...CLUSTER, served: { highest: 3, last: 3 } }, present(...MEMBERS))
    assert.equal(encodeState(IDENTITY, reached), encodeState(IDENTITY, SAVED))
  })

  test('is taken from a file of a router that did not keep that', () => {
    const old = JSON.parse(encodeState(IDENTITY, SAVED)) as object
    assert.doesNotMatch(JSON.stringify(old), /gone_since/)
    assert.deepEqual(decoded(JSON.stringify({ ...old, format: 1 })), SAVED)
  })

  test('holds no user and no password', () => {
    const fields = {
      conn_url: 'postgres://joe:s3cret@h:1/x',
      api_url: 'http://joe:s3cret@h:8008',
      proxy_url: 'postgres://joe:s3cret@p',
    }
    const parsed = parseMember('pg1', JSON.stringify(fields))
    assert.ok(typeof parsed === 'object')
    const text = encodeState(IDENTITY, toSaved(CLUSTER, present(parsed)))
    assert.match(text, /"host": "h"/)
    assert.doesNotMatch(text, /s3cret|joe/)
  })

  test('leaves out members and tags that could not be read again', () => {
    const odd = [
      member('pg1', { tags: { a: Infinity, b: 1 } }),
      member('pg2', { host: 'user:pw@h' }),
      member('a/b'),
      member('pg4', { timeline: 1.5 }),
    ]
    const saved = toSaved(CLUSTER, present(...odd))
    assert.deepEqual(
      saved.members.map(({ name, tags, timeline }) => [name, tags, timeline]),
      [
        ['pg1', { b: 1 }, 1],
        ['pg4', {}, null],
      ],
    )
    assert.deepEqual(decoded(encodeState(IDENTITY, saved)), saved)
  })

  const text = encodeState(IDENTITY, SAVED)
  const refused: readonly [title: string, text: string, reason: RegExp][] = [
    ['an empty file', '', /^is not a state file, or is truncated$/],
    ['half a file', text.slice(0, text.length / 2), /^is not a state file, or is truncated$/],
    ['a file of zeros', '\0'.repeat(100), /^is not a state file/],
    ['a list', '[]', /^is not a state file/],
    ['a file without format', changed(['format'], undefined), /^is not a state file/],
    [
      'a newer format',
      JSON.stringify({ format: 3, anything: 'else' }),
      /^was written by a newer version of patroni-router$/,
    ],
    ['an older format', changed(['format'], 0), /^is damaged at format$/],
    ['another scope', changed(['scope'], 'other'), /^belongs to another cluster$/],
    ['another namespace', changed(['namespace'], 'other'), /^belongs to another cluster$/],
    ['another Citus group', changed(['citus_group'], 0), /^belongs to another cluster$/],
    ['an unknown key', changed(['leader'], 'pg1'), /^is damaged at its top$/],
    ['a missing key', changed(['timeline_floor'], undefined), /^is damaged at timeline_floor$/],
    ['a negative timeline', changed(['timeline_floor'], -1), /^is damaged at timeline_floor$/],
    ['a number as identifier', changed(['system_id'], 7), /^is damaged at system_id$/],
    ['an identifier with an escape sequence', changed(['system_id'], '\u001b[2J'), /^is damaged at system_id$/],
    ['a port out of range', changed(['members', 0, 'port'], 65536), /^is damaged at members\.0$/],
    ['half a port', changed(['members', 0, 'port'], 1.5), /^is damaged at members\.0\.port$/],
    ['a host with a line feed', changed(['members', 0, 'host'], 'a\nb'), /^is damaged at members\.0$/],
    ['a host that is a URL', changed(['members', 0, 'host'], 'joe:s3cret@h'), /^is damaged at members\.0$/],
    ['a member name with a slash', changed(['members', 0, 'name'], 'a/../b'), /^is damaged at members\.0$/],
    ['a member name that is too long', changed(['members', 0, 'name'], 'a'.repeat(256)), /^is damaged at members\.0$/],
    ['a member twice', changed(['members', 1, 'name'], 'pg1'), /^is damaged at members\.1$/],
    [
      'a REST API with a path',
      changed(['members', 1, 'rest_url'], 'http://h:8008/patroni'),
      /^is damaged at members\.1$/,
    ],
    [
      'a pooler without port',
      changed(['members', 1, 'proxy'], { host: 'h' }),
      /^is damaged at members\.1\.proxy\.port$/,
    ],
    ['a name for an address', changed(['members', 0, 'addresses'], { db1: 'db2' }), /^is damaged at members\.0$/],
    ['a list of addresses', changed(['members', 0, 'addresses'], [1]), /^is damaged at members\.0\.addresses$/],
    ['a nested tag', changed(['members', 1, 'tags'], { a: {} }), /^is damaged at members\.1\.tags\.a$/],
    [
      'a key that has gone at no time',
      changed(['members', 0, 'gone_since'], -1),
      /^is damaged at members\.0\.gone_since$/,
    ],
    [
      'a timeline that served and is none',
      changed(['served'], { highest: 1.5, last: 1 }),
      /^is damaged at served\.highest$/,
    ],
    ['a timeline that served below 0', changed(['served'], { highest: 4, last: -1 }), /^is damaged at served\.last$/],
    ['a highest timeline that is not', changed(['served'], { highest: 3, last: 4 }), /^is damaged at served$/],
    ['half of what served', changed(['served'], { highest: 3 }), /^is damaged at served\.last$/],
    ['nothing that served', changed(['served'], null), /^is damaged at served$/],
    ['an endless timeline', changed(['served'], { highest: 1e300, last: 3 }), /^is damaged at served\.highest$/],
    ['an infinite tag', text.replace('1.5', '1e999'), /^is damaged at members\.1\.tags\.n$/],
  ]
  for (const [title, file, reason] of refused)
    test(`is not taken from ${title}`, () => {
      const state = decoded(file)
      assert.ok(typeof state === 'string', 'it is taken')
      assert.match(state, reason)
      assert.doesNotMatch(state, /s3cret/)
    })

  test('changes no prototype', () => {
    decoded(text.replace('"tags": {}', '"tags": {"__proto__": {"polluted": 1}}'))
    const state = decoded(text.replace('"tags": {}', '"tags": {"__proto__": 1, "constructor": "x"}'))
    assert.ok(typeof state === 'object')
    assert.equal(Object.getPrototypeOf(state.members[0]?.tags), Object.prototype)
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })
})
