/** docs/migrating-from-vip-manager.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parse } from 'yaml'
import { loadConfig } from '../../support/router/load-config.ts'
import { blockOf, read, rowsOf } from './page.ts'

/** `defineFlags` in vipconfig/config.go of vip-manager 5.0.0. */
const FLAGS =
  `config version ip netmask interface trigger-key trigger-value dcs-type dcs-endpoints etcd-user etcd-password
  etcd-ca-file etcd-cert-file etcd-key-file consul-token interval manager-type retry-after retry-num verbose`.split(
    /\s+/,
  )
/** `mapDeprecated` there, of 1.0 to 4.2. */
const OLD_NAMES: Readonly<Record<string, string>> = {
  mask: 'netmask',
  iface: 'interface',
  key: 'trigger-key',
  nodename: 'trigger-value',
  host: 'trigger-value',
  etcd_user: 'etcd-user',
  etcd_password: 'etcd-password',
  type: 'dcs-type',
  endpoint_type: 'dcs-type',
  endpoint: 'dcs-endpoints',
  endpoints: 'dcs-endpoints',
  hostingtype: 'manager-type',
  hosting_type: 'manager-type',
  retry_num: 'retry-num',
  retry_after: 'retry-after',
  consul_token: 'consul-token',
}
const PAGE = read('migrating-from-vip-manager.md')

interface VipManager {
  readonly 'trigger-key': string
  readonly 'trigger-value': string
  readonly 'dcs-endpoints': readonly string[]
  readonly 'etcd-user': string
  readonly 'etcd-password': string
  readonly 'etcd-ca-file': string
  readonly 'etcd-cert-file': string
  readonly 'etcd-key-file': string
}

test('the table has every setting of vip-manager, and no other, each with its name in the environment', () => {
  const rows = rowsOf(PAGE, 'vip-manager').map(([setting = '', environment = '', here = '']) => {
    assert.notEqual(here, '', setting)
    return [setting.replaceAll(/`|--/g, ''), environment.replaceAll('`', '')]
  })
  assert.deepEqual(rows.map(([setting]) => setting).sort(), [...FLAGS].sort())
  for (const [setting = '', environment] of rows)
    assert.equal(environment, setting === 'version' ? '' : `VIP_${setting.toUpperCase().replaceAll('-', '_')}`)
})

test('the table of older names has each of them', () => {
  const pairs = rowsOf(PAGE, 'old name').flatMap(([left = '', leftNow = '', , right = '', rightNow = '']) => [
    [left, leftNow],
    [right, rightNow],
  ])
  const named = pairs.flatMap(([old = '', now = '']) => {
    const [names, meanings] = [old, now].map((cell) => cell.replaceAll('`', '').split(', ').filter(Boolean))
    return (names ?? []).map((name, index) => [name, meanings?.[index] ?? meanings?.[0]])
  })
  assert.deepEqual(Object.fromEntries(named), OLD_NAMES)
})

test("the worked example says the same in both programs' configurations", () => {
  const theirs = parse(blockOf(PAGE, 'yaml vip-manager')) as VipManager
  for (const setting of Object.keys(theirs)) assert.ok(FLAGS.includes(setting), setting)
  const text = blockOf(PAGE, 'yaml')
  const loaded = loadConfig({ file: '/etc/patroni-router/config.yml', text, env: {} })
  assert.ok(loaded.ok, JSON.stringify(loaded))
  const [cluster] = loaded.config.clusters
  assert.ok(cluster !== undefined)
  assert.equal(`/${cluster.namespace}/${cluster.scope}/leader`, theirs['trigger-key'])
  assert.equal(cluster.localMember, theirs['trigger-value'])
  assert.deepEqual(cluster.proxy.listeners, [])
  assert.deepEqual(
    loaded.config.track.files.map(({ condition }) => condition),
    [{ name: 'local-leader', member: theirs['trigger-value'] }],
  )
  const { etcd3 } = parse(text) as { readonly etcd3: Readonly<Record<string, unknown>> }
  assert.deepEqual(etcd3, {
    hosts: theirs['dcs-endpoints'].map((url) => new URL(url).host),
    protocol: 'https',
    username: theirs['etcd-user'],
    password: theirs['etcd-password'],
    cacert: theirs['etcd-ca-file'],
    cert: theirs['etcd-cert-file'],
    key: theirs['etcd-key-file'],
  })
})
