/** What a command is given: the paths for its placeholders, and its part of the router's environment. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { commandEnvironment, fill } from '../../../../src/templates/commands/input.ts'

const PATHS = { staged: '/etc/haproxy/.haproxy.cfg.patroni-router-1-a.tmp', destination: '/etc/haproxy/haproxy.cfg' }

describe('the paths in a command', () => {
  test('stand for their placeholders, with and without blanks', () => {
    const text = 'check {{staged}} {{ staged }} {{\tdestination  }}; echo {{other}} {{stagedx}} {staged} $&'
    const { staged, destination } = PATHS
    const filled = `check ${staged} ${staged} ${destination}; echo {{other}} {{stagedx}} {staged} $&`
    assert.equal(fill(text, PATHS), filled)
    assert.deepEqual(fill(['check', '-f={{staged}}', '{{ destination }}'], PATHS), [
      'check',
      `-f=${staged}`,
      destination,
    ])
  })

  test('come to a list as they are', () => {
    const hostile = `/a b/it's "$(id)" \`id\` $HOME ; & | \\ * {{destination}} $& \n#~ü`
    assert.deepEqual(fill(['{{staged}}'], { staged: hostile, destination: '/plain' }), [hostile])
  })

  test('have no quotes where none are needed', () => {
    const plain = '/etc/a-b_c.d/E+F=G:1,2@3%4'
    assert.equal(fill('{{staged}}', { staged: plain, destination: '' }), plain)
    assert.equal(fill('{{staged}}', { staged: '/a~', destination: '' }), "'/a~'")
  })
})

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
