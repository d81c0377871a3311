/** A new kind of DCS is one folder (here `toy`) and one line in the list of kinds. */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import { statusJson } from '../../../src/admin/status/json.ts'
import { renderStatus } from '../../../src/admin/status/text.ts'
import type { Config } from '../../../src/config/config.ts'
import { kindOf } from '../../../src/config/dcs/kind.ts'
import { type ConfigResult, loadConfig } from '../../../src/config/load.ts'
import { formatProblem } from '../../../src/config/file/problem.ts'
import { Router } from '../../../src/router.ts'
import type { DcsKind } from '../../../src/watcher/dcs/kind.ts'
import { DCS_KINDS } from '../../../src/watcher/dcs/kinds.ts'
import { checkOnline } from '../../../src/watcher/online.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { toy } from './toy/kind.ts'

const KINDS: readonly DcsKind[] = [...DCS_KINDS, toy]

function load(text: string, env: Record<string, string> = {}, kinds = KINDS): ConfigResult {
  return loadConfig({ file: '/router.yml', text, env }, kinds)
}

function valid(result: ConfigResult): Config {
  assert.ok(result.ok, result.ok ? '' : result.problems.map(formatProblem).join('\n'))
  return result.config
}

function problems(result: ConfigResult): string {
  assert.ok(!result.ok)
  return result.problems.map(formatProblem).join('\n')
}

describe('a new kind of DCS', () => {
  let dir: TempDir
  let text: string

  beforeEach(() => {
    dir = TempDir.create('toy')
    const source = join(dir.path, 'source.hbs')
    const template = { source, destination: join(dir.path, 'out'), keys: ['/colour'], prefix: '/app' }
    writeFileSync(source, '{{getv "/colour"}}\n')
    text = JSON.stringify({
      scope: 'demo',
      toy: { hosts: ['toybox:1'] },
      proxy: { listeners: { primary: { bind: '127.0.0.1:0', route: 'primary' } } },
      admin: { socket: join(dir.path, 'socket'), bind: 'off' },
      templates: [template],
    })
  })
  afterEach(() => dir.remove())

  test('has its section, its environment and its place among those of Patroni', () => {
    const dcs = (result: ConfigResult): unknown => valid(result).clusters[0]?.dcs
    assert.deepEqual(dcs(load('scope: demo\ntoy: {hosts: [a]}\n')), { kind: 'toy', hosts: ['a'] })
    const hosts = { PATRONI_TOY_HOSTS: 'a,b' }
    assert.deepEqual(dcs(load('scope: demo\n', hosts)), { kind: 'toy', hosts: ['a', 'b'] })
    assert.equal(valid(load('scope: demo\ntoy: {hosts: [a], namespace: /x/}\n')).clusters[0]?.namespace, 'x')
    const group = 'clusters: {one: {toy: {hosts: [a]}}, two: {toy: {hosts: [a]}, scope: one}}\n'
    assert.match(problems(load(group)), /two: is the same cluster as one/)
    assert.match(problems(load('scope: demo\ntoy: {}\n')), /toy\.hosts: has to be a list/)
    assert.match(problems(load('scope: demo\n')), /no DCS is configured: .* or set toy\.hosts$/m)

    const both = load('scope: demo\ntoy: {hosts: [a]}\netcd3: {hosts: a}\n')
    assert.deepEqual((dcs(both) as { kind: string }).kind, 'etcd3')
    assert.match(both.warnings.join('\n'), /toy: not used: Patroni uses etcd3 instead/)
    const misspelt = load('scope: demo\ntoy: {hosts: [a], endpoints: [b], colors: 1}\n')
    assert.match(misspelt.warnings.join('\n'), /toy\.endpoints: .* did you mean "hosts"\?/)
    const example = load('scope: demo\ntoy: {hosts: [10.0.0.1]}\n')
    assert.match(example.ok ? example.doubts.join('\n') : '', /10\.0\.0\.1 is as in the examples/)
  })

  test('is not there where its line is missing', () => {
    assert.match(problems(load('scope: demo\ntoy: {hosts: [a]}\n', {}, DCS_KINDS)), /toy: neither a section of Patroni/)
  })

  test('is described and asked by check', async () => {
    const [cluster] = valid(load(text)).clusters
    assert.ok(cluster)
    assert.equal(kindOf(cluster.dcs, KINDS).describe(cluster.dcs), 'toy at toybox:1')
    const findings = await checkOnline(cluster, AbortSignal.timeout(10_000), { kinds: KINDS })
    const [first] = findings
    assert.deepEqual(first, { subject: 'DCS at toybox:1', ok: true, message: '1 member, leader pg1' })
  })

  test('is observed, shown by status, and gives its keys to templates', async () => {
    const access = { env: {}, pid: 1, version: '0', signalGroup: () => false, isAlive: () => false }
    const config = { ...valid(load(text)), file: null }
    const router = new Router(config, { ...access, log: pino({ level: 'silent' }), kinds: KINDS })
    await router.start()
    try {
      const status = (): string => renderStatus(statusJson(router.status()))
      await until('it is read', () => router.status().clusters[0]?.view.leader === 'pg1')
      assert.match(status(), /toy up for .* at toybox:1/)
      const out = join(dir.path, 'out')
      await until('the file is written', () => existsSync(out))
      assert.equal(readFileSync(out, 'utf8'), 'red\n')
    } finally {
      await router.close()
    }
  })

  test('without keys is refused by a template that reads some', () => {
    const keyless = { ...toy, hasKeys: false }
    const message =
      /templates\.0\.keys: needs etcd3, etcd, consul, zookeeper or exhibitor: toy has no other keys than the cluster/
    assert.match(problems(load(text, {}, [...DCS_KINDS, keyless])), message)
  })
})
