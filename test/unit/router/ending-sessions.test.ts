import assert from 'node:assert/strict'
import { test } from 'node:test'
import { endingSessions } from '../../../src/router/ending-sessions.ts'
import { loadConfig } from '../../support/router/load-config.ts'
import { sampleStatus } from '../admin/sample.ts'

/** The sessions that end: there are 12 on the listener `primary`, and 4 on `replicas`. */
function ending(listeners: string, scope = 'demo'): number {
  const text = `scope: ${scope}\netcd3: {hosts: a}\nproxy: {listeners: {${listeners}}}\n`
  const result = loadConfig({ file: 'r.yml', text, env: {} })
  assert.ok(result.ok)
  return endingSessions(sampleStatus(), result.config)
}

const PRIMARY = "primary: {bind: ':5000', route: primary}"
const REPLICAS = "replicas: {bind: ':5001', route: replica}"

test('sessions end with their listener, their cluster, or another route of the listener', () => {
  assert.equal(ending(`${PRIMARY}, ${REPLICAS}`), 0)
  assert.equal(ending(`${PRIMARY.replace('5000', '6000')}, ${REPLICAS}`), 0)
  assert.equal(ending(PRIMARY), 4)
  assert.equal(ending(`${PRIMARY}, ${REPLICAS.replace('replica}', 'any}')}`), 4)
})

test('they continue where the only cluster has another name, and end where it is replaced by two', () => {
  assert.equal(ending(`${PRIMARY}, ${REPLICAS}`, 'other'), 0)
  assert.equal(ending(PRIMARY, 'other'), 4)
  const listeners = [PRIMARY, REPLICAS].map((each) => each.replace('}', ', cluster: one}')).join(', ')
  const text = `clusters: {one: {etcd3: {hosts: a}}, two: {etcd3: {hosts: b}}}\nproxy: {listeners: {${listeners}}}\n`
  const result = loadConfig({ file: 'r.yml', text, env: {} })
  assert.ok(result.ok)
  assert.equal(endingSessions(sampleStatus(), result.config), 16)
})
