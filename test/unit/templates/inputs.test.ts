/** What templates about several clusters wait for. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TemplateConfig } from '../../../src/config/config.ts'
import { TemplateInputs } from '../../../src/templates/inputs.ts'
import { FIRST_ANSWERS_MS } from '../../../src/templates/cluster-input.ts'
import { view } from '../watcher/sample.ts'

test('a cluster that comes later is waited for as long as one that was there from the start', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const changed: (string | null)[] = []
  const [known, unknown] = [
    view({ name: 'known' }),
    view({
      name: 'unknown',
      dcs: { ...view().dcs, state: 'never' },
      primary: { ...view().primary, state: 'none', member: null },
    }),
  ]
  const inputs = new TemplateInputs({
    ...{ clusters: ['known'], templates: [], source: () => null, env: {}, log: () => null, waits: true },
    changed: (cluster) => changed.push(cluster),
  })
  const template = (...clusters: readonly string[]): TemplateConfig => ({
    ...{ subject: { kind: 'clusters', clusters }, source: '/a.hbs', destination: '/a' },
    ...{ owner: null, group: null, mode: null, check: null, reload: null, debounce: { minMs: 5, maxMs: 20 } },
    ...{ intervalMs: 0, onEmpty: 'render', backup: false, reloadGroup: null, prefix: '', keys: [] },
  })
  const isReady = (...clusters: readonly string[]): boolean =>
    inputs.of(template(...clusters), { answerTo: () => null }, true).ok
  inputs.start()
  t.after(async () => inputs.close())
  inputs.apply(known)
  assert.ok(isReady('known'))
  t.mock.timers.tick(FIRST_ANSWERS_MS)
  inputs.setClusters(['known', 'unknown'])
  inputs.apply(unknown)
  assert.deepEqual([isReady('known'), isReady('known', 'unknown')], [true, false])
  t.mock.timers.tick(FIRST_ANSWERS_MS - 1)
  assert.equal(isReady('known', 'unknown'), false)
  changed.length = 0
  t.mock.timers.tick(1)
  assert.deepEqual([isReady('known', 'unknown'), changed], [true, ['unknown']])
})
