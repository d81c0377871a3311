import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  isOwn,
  localMembers,
  localNotice,
  strangeAddress,
  unknownMember,
} from '../../../../src/watcher/members/local-member.ts'
import { LocalHost } from '../../../../src/watcher/members/local-host.ts'
import { member } from '../sample.ts'

const OWN = ['127.0.0.1', '10.0.0.7', 'fe80::1', 'fd00::7']

test('a name that no member has is reported with the nearest one', () => {
  const all = ['a', 'b', 'c']
  assert.equal(unknownMember('a', all), null)
  assert.equal(
    unknownMember('A.shop.test', all),
    'no member is called A.shop.test: did you mean "a"? (the members are a, b, c)',
  )
  assert.equal(unknownMember('db9', ['pg0', 'pg1']), 'no member is called db9: the members are pg0, pg1')
  assert.match(unknownMember('pg01', ['pg0-lon', 'pg1']) ?? '', /did you mean "pg1"\?/)
  assert.match(unknownMember('pg1', ['pg1.shop.test']) ?? '', /did you mean "pg1.shop.test"\? \(the only one is/)
  assert.match(unknownMember('PG1', ['pg1', 'pg2']) ?? '', /did you mean "pg1"\?/)
  assert.match(
    unknownMember(
      'x',
      Array.from({ length: 30 }, (_, at) => `m${at}`),
    ) ?? '',
    /m9 and 20 more$/,
  )
  assert.equal(unknownMember('a', []), null)
})

test('the address of a member is compared with those of the host, however it is written', () => {
  for (const address of ['10.0.0.7', '127.0.1.1', '::1', '::ffff:10.0.0.7', 'fe80::1%eth0', 'FD00:0::0:7'])
    assert.ok(isOwn(address, OWN), address)
  for (const address of ['10.0.0.8', 'fd00::8', '::ffff:10.0.0.8', 'pg0']) assert.ok(!isOwn(address, OWN), address)
})

test('a member at another address is reported; in doubt, nothing is', () => {
  const pg0 = member('pg0', { host: '10.0.0.9' })
  assert.match(
    strangeAddress(pg0, ['10.0.0.9'], OWN) ?? '',
    /^pg0 is not on this host: it is at 10\.0\.0\.9, which is no/,
  )
  const named = member('pg0', { host: 'db.shop.test' })
  assert.match(strangeAddress(named, ['10.0.0.9'], OWN) ?? '', /it is at db\.shop\.test \(10\.0\.0\.9\), which/)
  assert.equal(strangeAddress(named, ['10.0.0.9', '10.0.0.7'], OWN), null)
  assert.equal(strangeAddress(named, [], OWN), null)
  assert.equal(strangeAddress(named, ['10.0.0.9'], []), null)
  assert.equal(strangeAddress(member('pg0', { host: null }), [], OWN), null)
})

test('an unknown name and a strange address are two notices', () => {
  const members = [member('pg0', { host: '10.0.0.9' }), member('pg1')]
  assert.equal(localNotice('pg9', members, [], OWN)?.event, 'local-member-unknown')
  assert.equal(localNotice('pg0', members, ['10.0.0.9'], OWN)?.event, 'local-member-elsewhere')
  assert.equal(localNotice('pg0', members, ['10.0.0.7'], OWN), null)
})

test('the local members are name and those of the track files of the cluster, each once', () => {
  const files = [
    { cluster: 'one', condition: { name: 'local-leader', member: 'a' } },
    { cluster: 'one', condition: { name: 'local-leader', member: 'b' } },
    { cluster: 'two', condition: { name: 'local-leader', member: 'c' } },
    { cluster: 'one', condition: { name: 'primary' } },
  ]
  const names = (name: string, localMember: string | null) =>
    localMembers({ name, localMember }, files).map((each) => `${each.name}${each.isTracked ? ' tracked' : ''}`)
  assert.deepEqual(names('one', 'a'), ['a tracked', 'b tracked'])
  assert.deepEqual(names('one', 'd'), ['d', 'a tracked', 'b tracked'])
  assert.deepEqual(names('three', null), [])
})

test('the notices follow the members, once for each change; a name that does not resolve is no notice', async () => {
  const resolve = async (host: string): Promise<readonly string[]> =>
    Promise.resolve(host).then((name) => (name.startsWith('10.') ? [name] : Promise.reject(new Error('ENOTFOUND'))))
  const local = new LocalHost({ names: ['pg0'], resolve, own: () => OWN })
  const look = async (host: string, name = 'pg0'): Promise<string[]> => {
    const { promise, resolve: done } = Promise.withResolvers<undefined>()
    local.look([member(name, { host })], () => done(undefined))
    await promise
    return local.notices.map(({ event }) => event)
  }
  assert.deepEqual(await look('10.0.0.9'), ['local-member-elsewhere'])
  assert.deepEqual(await look('10.0.0.7'), [])
  assert.deepEqual(await look('10.0.0.7', 'pg1'), ['local-member-unknown'])
  assert.deepEqual(await look('pg0.shop.test'), [])
})
