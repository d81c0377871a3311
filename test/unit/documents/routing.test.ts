import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PRIMARY_STATES } from '../../../src/config/config.ts'
import { notHeld, overLimit, type Unserved } from '../../../src/proxy/unserved.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { DOCUMENTS, firstCellsOf } from './markdown.ts'

test('every state of the primary has its line, and no other has one', () => {
  assert.deepEqual(firstCellsOf('docs/routing.md', 'The states of the primary'), PRIMARY_STATES)
})

test('every route has its line, and no other has one', () => {
  const routes = firstCellsOf('docs/routing.md', 'Routes')
  const listeners = (route: string): string =>
    `scope: a\netcd3: {hosts: b}\nproxy: {listeners: {a: {bind: ':1', route: ${route}}}}\n`
  const refused = loadConfig({ file: 'a.yml', text: listeners('nowhere'), env: {} })
  assert.ok(!refused.ok)
  const [, list = ''] = /one of (.*)$/.exec(refused.problems[0]?.message ?? '') ?? []
  assert.deepEqual(
    list
      .split(/, | or /)
      .map((name) => name.replaceAll('"', ''))
      .toSorted(),
    routes.toSorted(),
    refused.problems[0]?.message,
  )
})

test('the refusals of a held client and of a full router have their lines, with their SQLSTATE', () => {
  const hold = { timeoutMs: 45_000, maxConnections: 10 }
  const refusals: readonly Unserved[] = [
    notHeld('timeout', 'primary', hold, ''),
    notHeld('timeout', 'primary', { ...hold, timeoutMs: 0 }, ''),
    notHeld('full', 'primary', hold, ''),
    overLimit(100),
  ]
  const text = DOCUMENTS.find(({ path }) => path === 'docs/routing.md')?.text ?? ''
  const shown = (message: string): string =>
    message.replace('is 10)', 'is N)').replace('100', 'N').replace('(max_connections)', '(...)')
  for (const { message, sqlState } of refusals)
    assert.ok(text.includes(`\n| \`${shown(message)}\` | \`${sqlState}\` |`), message)
})
