import assert from 'node:assert/strict'
import { test } from 'node:test'
import { previewText, reloadText } from '../../../src/admin/reload-text.ts'
import { sampleReload } from './sample.ts'

const FILE = '/etc/patroni-router/config.yml'
const CHANGES = ['proxy.check.interval: 1s -> 2s', 'proxy.listeners.old: removed']

test('a reload lists what has changed, and how many sessions end', () => {
  const report = sampleReload({ changes: CHANGES, endingSessions: 1, warnings: ['citus.group: not used'] })
  assert.deepEqual(reloadText(report), {
    out: [
      `reloaded ${FILE} in 240 ms, changed:`,
      `  ${CHANGES[0] ?? ''}`,
      `  ${CHANGES[1] ?? ''}`,
      'ends 1 session, within drain_timeout',
    ],
    err: ['warning: citus.group: not used'],
  })
})

test('a preview lists what would change, and how many sessions would end', () => {
  const { out, err } = previewText(sampleReload({ endingSessions: 3 }))
  assert.deepEqual(out, ['would change:', `  ${CHANGES[0] ?? ''}`, 'would end 3 sessions, within drain_timeout'])
  assert.deepEqual(err, [])
})

test('without a change both say what the router runs with', () => {
  const report = sampleReload({ outcome: 'unchanged', changes: [] })
  assert.deepEqual(reloadText(report).out, [`unchanged: ${FILE} is what the router runs with`])
  assert.deepEqual(previewText({ ...report, file: null }).out, [
    'would change: nothing, the environment is what the router runs with',
  ])
})

test('a refusal lists every problem, and says that nothing has changed', () => {
  const report = sampleReload({ outcome: 'refused', refusedBy: 'configuration', problems: ['a', 'b'], changes: [] })
  const last = 'patroni-router: not reloaded: the previous configuration stays in force'
  assert.deepEqual(reloadText(report), { out: [], err: ['a', 'b', last] })
  const would = 'patroni-router: a reload would change nothing: it would be refused'
  assert.deepEqual(previewText(report).err, ['a', 'b', would])
})

test('no value acts on a terminal', () => {
  const shown = reloadText(sampleReload({ changes: ['x: \x1b[31m -> a'], warnings: ['\x07'] }))
  assert.deepEqual(shown.out[1], '  x: \\x1b[31m -> a')
  assert.deepEqual(shown.err, ['warning: \\x07'])
})
