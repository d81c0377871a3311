import assert from 'node:assert/strict'
import { test } from 'node:test'
import { named, run } from './call.ts'

const MEMBERS = [
  { name: 'pg1', port: 5433, lag: 10, tags: { dc: 'a', nofailover: true } },
  { name: 'pg2', port: 5432, lag: null, tags: {} },
  { name: 'pg3', port: 5432, lag: 0, tags: { dc: 'b', weight: 5 } },
]

function names(list: unknown): unknown[] {
  return (list as readonly { name: string }[]).map(({ name }) => name)
}

test('where keeps the items with that value, however it is written', () => {
  assert.deepEqual(names(run('where', [MEMBERS, 'port', 5432])), ['pg2', 'pg3'])
  assert.deepEqual(names(run('where', [MEMBERS, 'port', '5432'])), ['pg2', 'pg3'])
  assert.deepEqual(names(run('where', [MEMBERS, 'lag', null])), ['pg2'])
})

test('a field that no item has is misspelt', () => {
  for (const field of ['nam', 'constructor', '__proto__']) {
    const message = 'no item of the list has such a field'
    assert.throws(() => run('where', [MEMBERS, field, 'x']), { name: 'HelperError', message })
    assert.throws(() => run('sortBy', [MEMBERS, field]), { name: 'HelperError', message })
  }
  assert.deepEqual(run('where', [[], 'name', 'x']), [])
  assert.equal((run('where', [[{ a: 1 }, { b: 1 }], 'a', 1]) as unknown[]).length, 1)
})

test('a misspelt field of a member is found before there is anything to render', () => {
  const of = { kind: 'record', name: 'member', fields: { name: { kind: 'text' }, port: { kind: 'number' } } } as const
  const shapes = [{ kind: 'list', of }] as const
  for (const name of ['where', 'sortBy']) {
    const { checkLiterals } = named(name) as { checkLiterals: (...args: readonly unknown[]) => string | null }
    assert.equal(checkLiterals([undefined, 'nam', 'x'], shapes), 'a member has no "nam": did you mean "name"?')
    assert.equal(checkLiterals([undefined, 'name', 'x'], shapes), null)
    assert.equal(checkLiterals([undefined, 'nam', 'x'], [{ kind: 'any' }]), null)
  }
})

test('index reports a misspelt name before there is anything to render, at any depth', () => {
  const of = { kind: 'record', name: 'member', fields: { name: { kind: 'text' }, tags: { kind: 'any' } } } as const
  const { checkLiterals } = named('index') as { checkLiterals: (...args: readonly unknown[]) => string | null }
  const fault = 'a member has no "nam": did you mean "name"?'
  assert.equal(checkLiterals([undefined, 0, 'nam'], [{ kind: 'list', of }]), fault)
  assert.equal(checkLiterals([undefined, 'nam'], [{ kind: 'maybe', of, absent: '' }]), fault)
  assert.equal(checkLiterals([undefined, undefined, 'name'], [{ kind: 'list', of }]), null)
  assert.equal(checkLiterals([undefined, 'tags', 'any'], [of]), null)
})

test('tag reports a member that is given instead of its tags', () => {
  const { checkLiterals } = named('tag') as { checkLiterals: (...args: readonly unknown[]) => string | null }
  assert.match(checkLiterals([], [{ kind: 'record', name: 'member', fields: {} }]) ?? '', /a member is no map of tags/)
  assert.equal(checkLiterals([], [{ kind: 'map', of: { kind: 'any' } }]), null)
})

test('where gives the very items of the list, so that they are read no further', () => {
  assert.equal((run('where', [MEMBERS, 'name', 'pg2']) as unknown[])[0], MEMBERS[1])
})

test('sortBy sorts by a field, what lacks it comes last, and equal ones stay in their order', () => {
  assert.deepEqual(names(run('sortBy', [MEMBERS, 'port'])), ['pg2', 'pg3', 'pg1'])
  assert.deepEqual(names(run('sortBy', [MEMBERS, 'lag'])), ['pg3', 'pg1', 'pg2'])
  assert.deepEqual(names(MEMBERS), ['pg1', 'pg2', 'pg3'], 'the list itself is as it was')
})

test('first and last give an item, or nothing of an empty list', () => {
  assert.equal(run('first', [MEMBERS]), MEMBERS[0])
  assert.equal(run('last', [MEMBERS]), MEMBERS[2])
  assert.equal(run('first', [[]]), null)
  assert.equal(run('last', [[]]), null)
})

test('tag gives a tag, its default, or nothing; a prototype has no tags', () => {
  const tags = { dc: 'a', weight: 5, nosync: false }
  assert.equal(run('tag', [tags, 'dc']), 'a')
  assert.equal(run('tag', [tags, 'weight', 1]), 5)
  assert.equal(run('tag', [tags, 'nosync', true]), false)
  assert.equal(run('tag', [tags, 'region', 'none']), 'none')
  assert.equal(run('tag', [tags, 'region']), null)
  assert.equal(run('tag', [tags, 'constructor', 'none']), 'none')
  assert.equal(run('tag', [tags, '__proto__', 'none']), 'none')
})

test('index goes into lists and maps, one key after the other', () => {
  const data = { animals: [{ type: 'dog' }, { type: 'cat', name: 'Misse' }] }
  assert.equal(run('index', [['a', 'b'], 1]), 'b')
  assert.equal(run('index', [data, 'animals', 1, 'name']), 'Misse')
  assert.equal(run('index', [data, 'plants']), null)
  assert.equal(run('index', [data, 'toString']), null)
  assert.throws(() => run('index', [['a', 'b'], 2]), {
    name: 'HelperError',
    message: 'there is no index 2 in a list of 2',
  })
  assert.throws(() => run('index', [['a'], -1]), { message: 'there is no index -1 in a list of 1' })
  assert.throws(() => run('index', [['a'], '0']), { message: /^the index is a text/ })
  assert.throws(() => run('index', ['text', 'x']), { message: 'the value is a text, which has no names' })
})

test('len counts items, names, and the bytes of a text, as Go does', () => {
  assert.equal(run('len', [MEMBERS]), 3)
  assert.equal(run('len', [{ a: 1 }]), 1)
  assert.equal(run('len', ['é']), 2)
})

test('reverse and sortByLength give a new list', () => {
  const list = ['bb', 'a', 'ccc', 'aa']
  assert.deepEqual(run('reverse', [list]), ['aa', 'ccc', 'a', 'bb'])
  assert.deepEqual(run('sortByLength', [list]), ['a', 'aa', 'bb', 'ccc'])
  assert.deepEqual(list, ['bb', 'a', 'ccc', 'aa'])
})

test('map makes a map without a prototype', () => {
  const made = run('map', ['name', 'es', 'port', 9200, '__proto__', 'x']) as Record<string, unknown>
  assert.equal(Object.getPrototypeOf(made), null)
  assert.deepEqual(Object.entries(made), [
    ['name', 'es'],
    ['port', 9200],
    ['__proto__', 'x'],
  ])
  assert.throws(() => run('map', [1, 2]), { message: 'a name of a map is a number, not a text' })
})

test('map with a name that has no value is wrong before there is anything to render', () => {
  assert.equal(named('map').checkLiterals?.(['name', 'es', 'port']), 'the last name has no value')
  assert.equal(named('map').checkLiterals?.(['name', undefined]), null)
})

test('an item taken out of a list has the shape of its items', () => {
  const of = { kind: 'record', name: 'member', fields: { name: { kind: 'text' } } } as const
  const list = { kind: 'list', of } as const
  for (const helper of ['where', 'sortBy', 'reverse']) assert.deepEqual(named(helper).returns([list]), list)
  assert.deepEqual(named('first').returns([list]), { kind: 'maybe', of, absent: 'the list is empty' })
  assert.deepEqual(named('index').returns([list, { kind: 'number' }]), of)
})
