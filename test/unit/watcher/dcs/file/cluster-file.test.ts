/** A cluster as a person describes it, rightly and wrongly. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { formatProblems } from '../../../../../src/config/file/problem.ts'
import { type Cluster, parseCluster } from '../../../../../src/watcher/cluster.ts'
import { parseClusterFile } from '../../../../../src/watcher/dcs/file/cluster-file.ts'

const FULL = `\
leader: pg1
initialize: '7268616322854375442'
config: {pause: true, ttl: 30, loop_wait: 10, postgresql: {parameters: {max_connections: 100}}}
sync: {leader: pg1, sync_standby: PG2}
members:
  pg2: {conn_url: 'postgres://10.0.0.2:6432/postgres', api_url: 'https://10.0.0.2:8008/patroni', state: streaming,
        proxy_url: 'postgres://10.0.0.2:6000/postgres', timeline: 3, xlog_location: 67395656}
  pg1: {host: 10.0.0.1, port: 5433, api_url: 'http://10.0.0.1:8008/patroni', tags: {dc: a, noloadbalance: yes, n: 1}}
`

/** The cluster of a file, or its problems, where it has some, one a line. */
function read(text: string): Cluster | string {
  const file = parseClusterFile(text, 'cluster.yml')
  if (!file.ok) return formatProblems(file.problems)
  return parseCluster(new Map([...file.keys].map(([key, value]) => [key, { value, session: '1' }])))
}

function good(text: string): Cluster {
  const cluster = read(text)
  if (typeof cluster === 'string') return assert.fail(cluster)
  assert.deepEqual(cluster.ignoredKeys, [])
  return cluster
}

function problemsOf(text: string): string {
  const problems = read(text)
  return typeof problems === 'string' ? problems : assert.fail('it is accepted')
}

const member = (fields: string, rest = ''): string => `${rest}members:\n  pg1: {${fields}}\n`
const MEMBER = member('host: h')

describe('a cluster file', () => {
  test('says what the same keys of a DCS say', () => {
    const conn = (n: number, port: number): string => `postgres://10.0.0.${n}:${port}/postgres`
    const keys = {
      leader: 'pg1',
      initialize: '7268616322854375442',
      config: '{"pause":true,"ttl":30}',
      sync: '{"leader":"pg1","sync_standby":"pg2"}',
      'members/pg1': JSON.stringify({
        ...{ conn_url: conn(1, 5433), api_url: 'http://10.0.0.1:8008/patroni', role: 'primary', state: 'running' },
        tags: { dc: 'a', noloadbalance: true, n: 1 },
      }),
      'members/pg2': JSON.stringify({
        ...{ conn_url: conn(2, 6432), proxy_url: conn(2, 6000), api_url: 'https://10.0.0.2:8008', role: 'replica' },
        ...{ state: 'running', replication_state: 'streaming', timeline: 3, xlog_location: 67395656 },
      }),
    }
    const same = parseCluster(new Map(Object.entries(keys).map(([key, value]) => [key, { value, session: '1' }])))
    assert.deepEqual(good(FULL), same)
  })

  test('needs only members with an address', () => {
    const cluster = good(MEMBER)
    assert.deepEqual([cluster.leader, cluster.systemId, cluster.standbyCluster], [null, null, false])
    const [pg1] = cluster.members
    assert.deepEqual([pg1?.host, pg1?.port, pg1?.role, pg1?.state], ['h', 5432, 'replica', 'running'])
  })

  test('takes keys without a value for keys that are not there', () => {
    const text = 'leader:\ninitialize:\nconfig:\nsync:\nmembers:\n  pg1: {host: h, port: , tags: , role: }\n'
    assert.deepEqual(good(text), good(MEMBER))
  })

  test('gives the same keys for the same content, however it is written', () => {
    const other = `# a comment\n${FULL.replace('{leader: pg1, sync_standby: PG2}', '{sync_standby: [PG2], leader: pg1}')}`
    const keys = [FULL, other].map((text) => parseClusterFile(text, 'x')).map((file) => file.ok && [...file.keys])
    assert.deepEqual(keys[0], keys[1])
  })

  test('makes the leader of a standby cluster a standby leader', () => {
    const cluster = good(member('host: h', 'leader: pg1\nconfig: {standby_cluster: {host: 10.0.9.9, port: 5432}}\n'))
    assert.deepEqual([cluster.standbyCluster, cluster.members[0]?.role], [true, 'standby_leader'])
  })

  for (const [written, host] of [
    ["'fd00::1'", 'fd00::1'],
    ["'[fd00::1]'", 'fd00::1'],
    ["'fe80::1%eth0'", 'fe80::1%eth0'],
    ['db-1.example.org', 'db-1.example.org'],
  ])
    test(`finds a member at ${written}`, () => {
      const [pg1] = good(member(`host: ${written}, port: 6000`)).members
      assert.deepEqual([pg1?.host, pg1?.port], [host, 6000])
    })

  const wrong: readonly [title: string, text: string, problem: RegExp][] = [
    ['nothing', '', /^cluster\.yml:1:1: is empty: members are needed$/],
    [
      'a text, perhaps a password file',
      'h0rse\n',
      /^cluster\.yml:1:1: must be a mapping, not text: members are needed$/,
    ],
    ['a list', '- pg1\n', /^cluster\.yml:1:1: must be a mapping, not a list: members are needed$/],
    ['no YAML', 'members: {pg1: {host: h\n', /^cluster\.yml:\d:\d+: not valid YAML: /],
    ['no members', 'leader: pg1\n', /members: is required/],
    [
      'a leader that is no member',
      member('host: h', 'leader: pg2\n'),
      /:1:1: leader: "pg2" is not one of the members; did you mean "pg1"\?$/,
    ],
    [
      'a misspelt key',
      member('hots: h, host: h'),
      /^cluster\.yml:2:9: members\.pg1\.hots: unknown key; did you mean "host"\?$/,
    ],
    ['a misspelt section', `membres: {}\n${MEMBER}`, /:1:1: membres: unknown key; did you mean "members"\?$/],
    [
      'a misspelt key of config',
      `config: {pasue: true}\n${MEMBER}`,
      /config\.pasue: unknown key; did you mean "pause"\?$/,
    ],
    ['a key twice', member('host: a, host: b'), /^cluster\.yml:2:18: members\.pg1\.host: is written twice$/],
    ['a member twice', `${MEMBER}  pg1: {host: i}\n`, /^cluster\.yml:3:3: members\.pg1: is written twice$/],
    [
      'a number as system identifier',
      `initialize: 7268616322854375442\n${MEMBER}`,
      /:1:1: initialize: must be the system identifier in quotes/,
    ],
    [
      'a name that YAML takes for a boolean',
      'members:\n  no: {host: h}\n',
      /:2:3: members\.no: is not read as text: put it in quotes$/,
    ],
    [
      'a name that YAML takes for an octal number',
      'members:\n  0123: {host: h}\n',
      /:2:3: members\.0123: is not read as text/,
    ],
    [
      'a tag that YAML takes for a boolean',
      'members:\n  a: {host: h, tags: {on: 1}}\n',
      /^cluster\.yml:2:23: members\.a\.tags\.on: is not read as text: put it in quotes$/,
    ],
    ['a name with a slash', 'members:\n  a/b: {host: h}\n', /:2:3: members\.\(not a plain name\): not a member name$/],
    [
      'a number as leader',
      'leader: 1\nmembers:\n  1: {host: h}\n',
      /leader: must be the name of a member: put it in quotes$/,
    ],
    [
      'a member without address',
      member('api_url: "http://h:8008"'),
      /:2:3: members\.pg1: has no address: host and port, or conn_url, are needed$/,
    ],
    [
      'a member that is text',
      'members:\n  pg1: 10.0.0.1\n',
      /members\.pg1: must be a mapping with host and port, or conn_url$/,
    ],
    [
      'two addresses',
      member('host: h, conn_url: "postgres://h"'),
      /members\.pg1\.host: conn_url is there too: keep one of them$/,
    ],
    [
      'a port in the host',
      member('host: "h:5432"'),
      /members\.pg1\.host: must be a name or an IP address, without a port$/,
    ],
    ['half an IP address', member('host: "10.0.0"'), /members\.pg1\.host: must be a name/],
    ['a port out of range', member('host: h, port: 65536'), /members\.pg1\.port: must be a port, 1 to 65535$/],
    ['a port as text', member('host: h, port: "5432"'), /members\.pg1\.port: must be a port/],
    [
      'a conn_url of another database',
      member('conn_url: "mysql://h"'),
      /members\.pg1\.conn_url: is not a postgres URL$/,
    ],
    [
      'a proxy_url without host',
      member('host: h, proxy_url: "postgres://:6432"'),
      /members\.pg1\.proxy_url: has no usable host$/,
    ],
    [
      'an api_url that is none',
      member('host: h, api_url: "h:8008"'),
      /members\.pg1\.api_url: is not an http or https URL$/,
    ],
    [
      'an unknown role',
      member('host: h, role: leader'),
      /members\.pg1\.role: must be one of primary, master, replica, /,
    ],
    [
      'a nested tag',
      member('host: h, tags: {dc: {a: b}}'),
      /members\.pg1\.tags\.dc: must be text, a number, true or false$/,
    ],
    [
      'a pause that is neither on nor off',
      `config: {pause: "on"}\n${MEMBER}`,
      /config\.pause: must be true or false, without quotes$/,
    ],
    [
      'an empty standby cluster',
      `config: {standby_cluster: {}}\n${MEMBER}`,
      /config\.standby_cluster: needs host, port or restore_command/,
    ],
    [
      'a synchronous replica that is no member',
      `sync: {leader: pg1, sync_standby: 'pg1,pg3'}\n${MEMBER}`,
      /sync\.sync_standby: "pg3" is not one of the members/,
    ],
    ['a sync without leader', `sync: {sync_standby: pg1}\n${MEMBER}`, /sync\.leader: is required/],
    ['a key named like a method', `constructor: 1\n${MEMBER}`, /:1:1: constructor: unknown key/],
    ['a key named like the prototype', `__proto__: {a: 1}\n${MEMBER}`, /:1:1: __proto__: unknown key/],
    [
      'aliases without end',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefgh'.replace(/./g, (c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)},`.repeat(10)}]\n`)}`,
      /aliases or nesting without end$/,
    ],
  ]
  for (const [title, text, problem] of wrong)
    test(`with ${title} is reported with place and reason`, () => {
      const problems = problemsOf(text)
      assert.match(problems, problem)
    })

  test('takes the quoted names that YAML would take for something else', () => {
    assert.deepEqual(
      good(`leader: 'no'\nmembers:\n  'no': {host: a}\n  "1": {host: b}\n`).members.map(({ name }) => name),
      ['1', 'no'],
    )
  })

  test('tells all its problems at once, in their order', () => {
    const text = 'leader: pg9\nmembers:\n  pg1: {prot: 1}\n  pg2: {host: h, port: 0}\nsink: 1\n'
    const places = problemsOf(text)
      .split('\n')
      .map((line) => line.split(': ', 1)[0])
    assert.deepEqual(places, [
      'cluster.yml:1:1',
      'cluster.yml:3:3',
      'cluster.yml:3:9',
      'cluster.yml:4:18',
      'cluster.yml:5:1',
    ])
  })

  for (const text of [
    member('conn_url: "postgres://joe:s3cret@h:5432/postgres"'),
    member('host: h, api_url: "http://joe:s3cret@h:8008"'),
    member('host: h, proxy_url: "postgres://joe:s3cret@h"'),
    member('host: "s3cret@h"'),
    member('host: h, "password:s3cret": 1'),
    member('host: h, "s3cret x": 1'),
    member('host: h', 'config: {standby_cluster: {"s3cret y": 1}}\n'),
    `leader: joe:s3cret@h\n${MEMBER}`,
    'members: {pg1: {conn_url: postgres://joe:s3cret@h\n',
  ])
    test(`shows no secret of ${JSON.stringify(text.slice(0, 60))}`, () => {
      const problems = problemsOf(text)
      assert.ok(!problems.includes('s3cret'), problems)
    })
})
