/** What a command gets of the router's environment. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commandEnvironment } from '../../../../src/templates/commands/environment.ts'

test('a command gets what programs need, and none of the secrets of the router', () => {
  const passed = {
    ...{ PATH: '/bin', HOME: '/root', LANG: 'C', LC_ALL: 'C', LC_TIME: 'C', TZ: 'UTC', USER: 'a', LOGNAME: 'a' },
    ...{ SHELL: '/bin/sh', TMPDIR: '/tmp', PATRONI_ROUTER_CONFIG: '/etc/a.yml' },
  }
  const kept = {
    ...{ PATRONI_ETCD3_PASSWORD: 'x', PATRONI_CTL_KEYFILE_PASSWORD: 'x', PATRONI_ROUTER: 'x', PGPASSWORD: 'x' },
    ...{ NOTIFY_SOCKET: '/run/x', NODE_OPTIONS: '-x', LD_PRELOAD: '/x', PATHX: 'x', XPATH: 'x', LANGUAGE: undefined },
  }
  assert.deepEqual(commandEnvironment({ ...passed, ...kept }), passed)
})

test('a command has a path to find programs by, also where the router has none', () => {
  assert.match(commandEnvironment({})['PATH'] ?? '', /:\/usr\/sbin:.*:\/bin$/)
})
