/** docs/migrating-from-haproxy.md. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ClusterConfig, ListenerConfig } from '../../../src/config/config.ts'
import { compileTemplate } from '../../../src/templates/engine/compile.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { blockOf, read, rowsOf } from './page.ts'

/** What configurations of HAProxy before Patroni are made of: Patroni's documentation, autobase, Pigsty. */
const OPTIONS = [
  ...['listen', 'frontend', 'backend', 'bind', 'maxconn', 'default-server', 'server', 'backup', 'weight', 'slowstart'],
  ...['timeout connect', 'timeout client', 'timeout server', 'timeout check', 'timeout queue', 'timeout tunnel'],
  ...['inter', 'fastinter', 'downinter', 'fall', 'rise', 'retries', 'option redispatch', 'balance roundrobin'],
  ...['on-marked-down shutdown-sessions', 'on-marked-up shutdown-backup-sessions', 'init-addr', 'resolvers'],
  ...['option httpchk', 'http-check expect status 200', 'option tcp-check', 'check port 8008', 'check-ssl', 'verify'],
  ...['ca-file', 'crt', 'send-proxy', 'send-proxy-v2', 'option tcpka', 'option tcplog', 'log', 'log-format'],
  ...['stats enable', 'stats uri', 'stats socket', 'hard-stop-after', 'nbthread'],
]
const PAGE = read('migrating-from-haproxy.md')
const HAPROXY = blockOf(PAGE, 'haproxy')
const ROUTER = blockOf(PAGE, 'yaml')

/** What stands in a `listen` section, by the first words of its lines. */
function sectionOf(name: string): (words: string) => string {
  const [, section = ''] = HAPROXY.split(new RegExp(`^(?:listen )?${name}\\n`, 'm'))
  const lines = (section.split(/\n(?=\S)/)[0] ?? '').split('\n').map((line) => line.trim())
  return (words) => lines.find((line) => line.startsWith(`${words} `))?.slice(words.length + 1) ?? ''
}

function loaded(text: string): ClusterConfig {
  const result = loadConfig({ file: '/etc/patroni-router/config.yml', text, env: {} })
  assert.ok(result.ok, JSON.stringify(result))
  const [cluster] = result.config.clusters
  assert.ok(cluster !== undefined)
  return cluster
}

/** The health check that leads to the same members, as the document's table has it. */
function checkOf({ route, maxLagBytes, tags }: ListenerConfig): string {
  const query = [
    ...(maxLagBytes === null ? [] : [`lag=${maxLagBytes / 1_048_576}MB`]),
    ...Object.entries(tags).map(([name, value]) => `tag_${name}=${value}`),
  ]
  return `OPTIONS /${route}${query.length === 0 ? '' : `?${query.join('&')}`}`
}

function bindsOf({ binds }: ListenerConfig): string {
  return binds.map((bind) => (bind.kind === 'tcp' ? `${bind.host ?? '*'}:${bind.port}` : bind.path)).join(',')
}

test('the table has every option that such a configuration is made of', () => {
  const cells = rowsOf(PAGE, 'HAProxy').map(([cell = '', here = '']) => {
    assert.notEqual(here, '', cell)
    return cell
  })
  const spans = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, span = '']) => `${span} `))
  assert.deepEqual(
    OPTIONS.filter((option) => !spans.some((span) => span.startsWith(`${option} `))),
    [],
  )
})

test('the checks of Patroni lead to every route that there is, and to no other', () => {
  const namesIn = (cell = ''): string[] => [...cell.matchAll(/`([a-z-]+)`/g)].map(([, name = '']) => name)
  const named = rowsOf(PAGE, '`httpchk OPTIONS ...`').flatMap(([, route]) => namesIn(route))
  const routes = rowsOf(read('routing.md'), 'route').flatMap(([route]) => namesIn(route))
  assert.deepEqual([...new Set(named)].sort(), routes.sort())
})

test('the worked example listens at the same addresses and leads to the same members', () => {
  const { proxy } = loaded(ROUTER)
  const sections = [...HAPROXY.matchAll(/^listen (\S+)$/gm)].map(([, name]) => name)
  assert.deepEqual(
    proxy.listeners.map(({ name }) => name),
    sections.filter((name) => name !== 'stats'),
  )
  for (const listener of proxy.listeners) {
    const section = sectionOf(listener.name)
    assert.equal(section('bind'), bindsOf(listener))
    assert.equal(section('option httpchk'), checkOf(listener))
    if (listener.route !== 'primary') assert.equal(section('balance'), listener.balance)
  }
})

test("the worked example has the limits and timeouts of HAProxy's", () => {
  const { proxy } = loaded(ROUTER)
  assert.equal(proxy.maxConnections, Number(sectionOf('global')('maxconn')))
  const msOf = (words: string): number => {
    const [, count = '', unit = ''] = /^(\d+)([sm])$/.exec(sectionOf('defaults')(words)) ?? []
    return Number(count) * (unit === 'm' ? 60_000 : 1000)
  }
  const { connectMs, clientMs, serverMs } = proxy.timeouts
  assert.deepEqual(
    [connectMs, clientMs, serverMs],
    [msOf('timeout connect'), msOf('timeout client'), msOf('timeout server')],
  )
})

test('the trial listens on ports of its own, and is the same configuration else', () => {
  const [, from = '', to = ''] = /sed 's\/(\S+?)\/(\S+?)\/' \S+ > \S+trial\.yml/.exec(PAGE) ?? []
  const trial = ROUTER.split('\n').map((line) => line.replace(from, to))
  const moved = ({ listeners }: ClusterConfig['proxy'], by: number): unknown =>
    listeners.map((each) => ({
      ...each,
      binds: each.binds.map((bind) => (bind.kind === 'tcp' ? { ...bind, port: bind.port + by } : bind)),
    }))
  assert.deepEqual(moved(loaded(trial.join('\n')).proxy, 0), moved(loaded(ROUTER).proxy, 10_000))
})

test("the lines that take the place of HAProxy's servers are a template", () => {
  assert.ok(compileTemplate('haproxy.cfg.hbs', blockOf(PAGE, 'handlebars')).ok)
})
