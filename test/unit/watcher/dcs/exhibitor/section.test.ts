import assert from 'node:assert/strict'
import { test } from 'node:test'
import { exhibitor } from '../../../../../src/watcher/dcs/exhibitor/kind.ts'
import { resolveExhibitor } from '../../../../../src/watcher/dcs/exhibitor/section.ts'

const READ: readonly (readonly [section: Readonly<Record<string, unknown>>, found: object])[] = [
  [
    { hosts: ['a', '10.0.0.1', '[::1]', '::1'], port: 8181 },
    { hosts: ['a', '10.0.0.1', '::1', '::1'], port: 8181, pollMs: 300_000, tls: false },
  ],
  [
    { hosts: ['a'], port: '8181', poll_interval: 5, use_ssl: true },
    { hosts: ['a'], port: 8181, pollMs: 5000, tls: true },
  ],
]
for (const [section, found] of READ)
  test(`${JSON.stringify(section)} is ${JSON.stringify(found)}`, () => {
    const { value, faults, warnings } = resolveExhibitor(section)
    assert.deepEqual([faults, warnings], [[], []])
    const { hosts, port, pollMs, tls } = value ?? {}
    assert.deepEqual({ hosts, port, pollMs, tls }, found)
  })

const FAULTS: readonly (readonly [section: unknown, path: string, message: RegExp])[] = [
  [null, 'exhibitor', /is empty, and none to Patroni: set exhibitor\.hosts and exhibitor\.port/],
  ['a', 'exhibitor', /must be a mapping, with the keys hosts and port/],
  [{ port: 1 }, 'exhibitor.hosts', /no address of Exhibitor/],
  [{ hosts: 'a', port: 1 }, 'exhibitor.hosts', /must be a list: with text Patroni does not start/],
  [{ hosts: ['a:1'], port: 1 }, 'exhibitor.hosts.0', /without a port: that is exhibitor\.port/],
  [{ hosts: ['a', 5], port: 1 }, 'exhibitor.hosts.1', /must be a host name or an address/],
  [{ hosts: ['a'] }, 'exhibitor.port', /is required: the port of Exhibitor/],
  [{ hosts: ['a'], port: 'x' }, 'exhibitor.port', /must be a port, 1 to 65535/],
  [{ hosts: ['a'], port: 1, poll_interval: 'x' }, 'exhibitor.poll_interval', /must be a number of seconds/],
  [{ hosts: ['a'], port: 1, auth_data: 'x' }, 'exhibitor.auth_data', /must be a mapping/],
]
for (const [section, path, message] of FAULTS)
  test(`${JSON.stringify(section)} is wrong at ${path}`, () => {
    const { value, faults } = resolveExhibitor(section)
    assert.equal(value, null)
    assert.deepEqual(
      faults.map((fault) => fault.path.join('.')),
      [path],
    )
    assert.match(faults[0]?.message ?? '', message)
  })

test('is described with the hosts of Exhibitor', () => {
  const { value } = resolveExhibitor({ hosts: ['a', 'b'], port: 8181 })
  assert.ok(value)
  assert.equal(exhibitor.describe(value), 'exhibitor over TCP at the servers that Exhibitor lists at a, b (port 8181)')
})
