/** How the findings of a check name an address. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { withAddressOnce } from '../../../src/watcher/online.ts'

const FINDINGS: readonly (readonly [subject: string, message: string, shown: string])[] = [
  ['DCS at a:1', 'etcd at a:1 cannot be read: connect ECONNREFUSED a:1', 'etcd cannot be read: connect ECONNREFUSED'],
  ['DCS at [::1]:2', 'no connection: connect ECONNREFUSED [::1]:2', 'no connection: connect ECONNREFUSED'],
  ['DCS at h.invalid:1', 'getaddrinfo ENOTFOUND h.invalid', 'getaddrinfo ENOTFOUND'],
  ['DCS at a:1', 'another etcd cluster than a:12 or a.b:1', 'another etcd cluster than a:12 or a.b:1'],
  [
    'DCS at /c.yml',
    'it is not used: /c.yml:1:2: members: is required',
    'it is not used: /c.yml:1:2: members: is required',
  ],
  ['pg1: REST API at http://pg1:8008', 'another member answers there: pg1', 'another member answers there: pg1'],
  ['DCS at etcd:2379', 'it belongs to another etcd cluster', 'it belongs to another etcd cluster'],
  ['pg1: Postgres at a:5432', 'Postgres at a:5432: connect ECONNREFUSED', 'connect ECONNREFUSED'],
]

for (const [subject, message, shown] of FINDINGS)
  test(`the finding about ${subject} does not name its address again: ${message}`, () => {
    assert.equal(withAddressOnce({ subject, ok: false, message }).message, shown)
  })
