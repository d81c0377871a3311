/** Names of staged files. */
import assert from 'node:assert/strict'
import { basename, dirname } from 'node:path'
import { describe, test } from 'node:test'
import { besideStaged, isStageName, stageName } from '../../../../src/templates/files/stage.ts'

describe('the name of a staged file', () => {
  test('is hidden, in the directory of its file, and says whose it is', () => {
    const staged = stageName('/etc/haproxy/haproxy.cfg', 17)
    assert.match(staged, /^\/etc\/haproxy\/\.haproxy\.cfg\.patroni-router-17-[0-9a-f]{12}\.tmp$/)
    assert.notEqual(staged, stageName('/etc/haproxy/haproxy.cfg', 17))
    assert.equal(besideStaged(staged, 'undo'), staged.replace(/tmp$/, 'undo'))
  })

  test('differs from those of other files, and from all that only look like it', () => {
    const staged = stageName('/a/b', 1)
    assert.ok(isStageName(staged, '/a/b'))
    const others = ['/a/c', '/c/b', '/a/.b', '/b']
    for (const path of others) assert.ok(!isStageName(staged, path), path)
    const names = ['/a/b', besideStaged(staged, 'undo'), `${staged}x`, `/a/../a/x${basename(staged)}`, '/etc/passwd']
    for (const name of names) assert.ok(!isStageName(name, '/a/b'), name)
  })

  test('fits into a file system, whatever the name of the file', () => {
    const long = `/a/${'ü'.repeat(127)}`
    const staged = stageName(long, 4_194_304)
    assert.ok(Buffer.byteLength(basename(staged)) <= 255)
    assert.equal(dirname(staged), '/a')
    assert.ok(isStageName(staged, long) && !isStageName(staged, `${long}x`))
  })
})
