/** What templates see of a view. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { contextOf } from '../../../../src/templates/engine/context.ts'
import { CONTEXT, type Shape } from '../../../../src/templates/engine/shape.ts'
import { PRIMARY_STATES } from '../../../../src/config/config.ts'
import type { ClusterView, MemberView } from '../../../../src/watcher/view.ts'
import { memberView, view } from '../../watcher/sample.ts'

const PRIMARY: ClusterView['primary'] = view().primary

function names(members: readonly { readonly name: string }[]): string {
  return members.map(({ name }) => name).join(' ')
}

function only(changes: Partial<MemberView>): ReturnType<typeof contextOf>['members'][number] | undefined {
  return contextOf(view({ leader: null, members: [memberView('pg1', true, changes)] })).members[0]
}

test('the primary is the open member, the leader the one that the DCS names', () => {
  for (const state of PRIMARY_STATES) {
    const member = state === 'none' ? null : 'pg0'
    const { primary, leader, ...seen } = contextOf(view({ primary: { ...PRIMARY, state, member } }))
    assert.equal(primary?.name, state === 'open' || state === 'unlocked' ? 'pg0' : undefined, state)
    assert.equal(leader?.name, 'pg0')
    assert.equal(seen.state, state)
  }
  const unlocked = contextOf(view({ leader: null, primary: { ...PRIMARY, state: 'unlocked' } }))
  assert.deepEqual([unlocked.leader, unlocked.primary?.name], [null, 'pg0'])
})

test('a member without an address is not there', () => {
  const none = contextOf(view({ members: [memberView('pg0', false, { host: null }), memberView('pg1', true)] }))
  assert.deepEqual([names(none.members), none.leader, none.primary], ['pg1', null, null])
})

test('a member whose key is gone is there only as the primary', () => {
  const members = [memberView('pg0', false, { gone: true }), memberView('pg1', false, { gone: true })]
  assert.equal(names(contextOf(view({ members })).members), 'pg0')
  assert.equal(names(contextOf(view({ members, primary: { ...PRIMARY, state: 'promoting' } })).members), '')
})

test('replicas are those that serve reads, and are not to be kept out of the balance', () => {
  const { replicas, sync_standbys } = contextOf(
    view({
      members: [
        memberView('pg0', true, { isSync: true }),
        memberView('pg1', true),
        memberView('pg2', false, { isSync: true }),
        memberView('pg3', true, { tags: { noloadbalance: true } }),
        memberView('pg4', true, { tags: { noloadbalance: false }, isSync: true }),
      ],
    }),
  )
  assert.equal(names(replicas), 'pg1 pg4')
  assert.equal(names(sync_standbys), 'pg0 pg2 pg4')
})

test('an IPv6 address has brackets where a port follows it', () => {
  assert.equal(only({ host: '2001:db8::1' })?.address, '[2001:db8::1]:5432')
  assert.equal(only({ host: '10.0.0.1', port: 6432 })?.address, '10.0.0.1:6432')
})

test('the REST API has a host and a port even where its URL says none', () => {
  const rest = (restUrl: string | null): unknown[] => {
    const { rest_url, rest_host, rest_port } = only({ restUrl }) ?? {}
    return [rest_url, rest_host, rest_port]
  }
  assert.deepEqual(rest('http://10.0.0.1:8008'), ['http://10.0.0.1:8008', '10.0.0.1', 8008])
  assert.deepEqual(rest('https://[2001:db8::1]'), ['https://[2001:db8::1]', '2001:db8::1', 443])
  assert.deepEqual(rest('http://[fe80::1%25eth0]:8008'), ['http://[fe80::1%25eth0]:8008', 'fe80::1%eth0', 8008])
  assert.deepEqual(rest('http://a'), ['http://a', 'a', 80])
  assert.deepEqual(rest(null), [null, null, null])
})

test('the lag is 0 for the leader and null where it is not known', () => {
  const members = [memberView('pg0', false), memberView('pg1', true, { lagBytes: 7 }), memberView('pg2', true)]
  assert.deepEqual(
    contextOf(view({ members })).members.map(({ lag }) => lag),
    [0, 7, null],
  )
})

test('a pooler is what a member says of it', () => {
  const { proxy_host, proxy_port } = only({ proxy: { host: 'p', port: 6432 } }) ?? {}
  assert.deepEqual([proxy_host, proxy_port], ['p', 6432])
  assert.equal(only({})?.proxy_host, null)
})

test('tags have no prototype, and hold no number that is none', () => {
  const tags = only({ tags: { dc: 'a', weight: Infinity, ['__proto__']: 'x' } })?.tags ?? {}
  assert.deepEqual(Object.entries(tags), [
    ['dc', 'a'],
    ['__proto__', 'x'],
  ])
  assert.equal(Object.getPrototypeOf(tags), null)
})

test('holds what the shapes say, which every name in a template is checked against', () => {
  const full = memberView('pg0', true, { proxy: { host: 'p', port: 1 }, lagBytes: 1, isSync: true, tags: { a: 'b' } })
  const whole = contextOf(view({ members: [full, memberView('pg1', true)], citusGroup: 1 }))
  assertFits(whole, CONTEXT, 'context')
  assertFits(contextOf(view({ members: [], leader: null, systemId: null })), CONTEXT, 'context')
})

function assertFits(value: unknown, shape: Shape, path: string): void {
  if (shape.kind === 'text') assert.equal(typeof value, 'string', path)
  if (shape.kind === 'number') assert.equal(typeof value, 'number', path)
  if (shape.kind === 'flag') assert.equal(typeof value, 'boolean', path)
  if (shape.kind === 'maybe' && value !== null) assertFits(value, shape.of, path)
  if (shape.kind === 'list') {
    assert.ok(Array.isArray(value), path)
    for (const item of value) assertFits(item, shape.of, `${path}[]`)
  }
  if (shape.kind === 'record') {
    assert.deepEqual(Object.keys(value as object).sort(), Object.keys(shape.fields).sort(), path)
    for (const [name, of] of Object.entries(shape.fields)) {
      assertFits((value as Record<string, unknown>)[name], of, `${path}.${name}`)
    }
  }
}
