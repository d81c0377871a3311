/** Reload groups beside each other: a fault in one costs the others nothing. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { pino } from 'pino'
import type { TemplateConfig } from '../../../src/config/config.ts'
import { Lookups } from '../../../src/names/lookups.ts'
import { Templates } from '../../../src/templates/templates.ts'
import type { GroupStatus } from '../../../src/templates/status.ts'
import type { ClusterView } from '../../../src/watcher/view.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'
import { view } from '../../unit/watcher/sample.ts'

let dir: TempDir
before(() => (dir = TempDir.create('templates')))
after(() => dir.remove())

const events: string[] = []
const log = pino({ base: null }, { write: (line) => void events.push((JSON.parse(line) as { event: string }).event) })

function template(cluster: string, changes: Partial<TemplateConfig> = {}): TemplateConfig {
  const source = join(dir.path, `${cluster}.hbs`)
  writeFileSync(source, 'scope {{scope}}\n')
  return {
    ...{ subject: { kind: 'cluster', cluster }, source, destination: join(dir.path, cluster) },
    ...{ owner: null, group: null, mode: null, check: null, reload: null, debounce: { minMs: 5, maxMs: 20 } },
    ...{ intervalMs: 0, onEmpty: 'keep', backup: false, reloadGroup: null, prefix: '', keys: [], ...changes },
  }
}

function build(templates: readonly TemplateConfig[], clusters: readonly string[]): Templates {
  const config = { clusters: clusters.map((name) => ({ name })), templates, hooks: [], stateDir: null }
  return new Templates({
    ...{ config, log, env: {}, pid: process.pid, lookups: new Lookups() },
    source: () => null,
    signalGroup: () => false,
    isAlive: () => true,
  })
}

const read = (name: string): string => readFileSync(join(dir.path, name), 'utf8')

function group(templates: Templates, name: string): GroupStatus {
  const found = templates.status().groups.find((each) => each.name === join(dir.path, name))
  assert.ok(found !== undefined)
  return found
}

test('a view that one group cannot be rendered with costs the others nothing, and is a fault of its own', async () => {
  const templates = build([template('a'), template('b')], ['a', 'b'])
  const apply = (name: string, changes: Partial<ClusterView> = {}): void => templates.apply(view({ name, ...changes }))
  templates.start()
  try {
    for (const name of ['a', 'b']) apply(name)
    await until('both are written', () => ['a', 'b'].every((name) => group(templates, name).state === 'in-sync'))
    for (let n = 0; n < 3; n++) {
      apply('a', { members: null as never })
      apply('b', { scope: `next${n}` })
    }
    await until('the other is written', () => read('b') === 'scope next2\n')
    await until('it has failed', () => group(templates, 'a').state === 'failed')
    await until('the other is in sync', () => group(templates, 'b').state === 'in-sync')
    assert.equal(read('a'), 'scope demo\n')
    assert.ok(events.includes('fault'))
    apply('a', { scope: 'mended' })
    await until('it is written, too', () => read('a') === 'scope mended\n')
  } finally {
    await templates.close()
  }
})
