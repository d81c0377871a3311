/** What becomes of the placeholders of a command. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { describe, test } from 'node:test'
import { fill } from '../../../../src/templates/commands/fill.ts'

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

  test('are one word for a shell whatever they hold, and come to a list as they are', () => {
    const hostile = `/a b/it's "$(id)" \`id\` $HOME ; & | \\ * {{destination}} $& \n#~ü`
    const paths = { staged: hostile, destination: '/plain' }
    const text = fill('printf %s {{staged}}', paths)
    assert.ok(typeof text === 'string')
    assert.equal(execFileSync('/bin/sh', ['-c', text], { encoding: 'utf8' }), hostile)
    assert.deepEqual(fill(['{{staged}}'], paths), [hostile])
  })

  test('have no quotes where none are needed', () => {
    const plain = '/etc/a-b_c.d/E+F=G:1,2@3%4'
    assert.equal(fill('{{staged}}', { staged: plain, destination: '' }), plain)
    assert.equal(fill('{{staged}}', { staged: '/a~', destination: '' }), "'/a~'")
  })
})
