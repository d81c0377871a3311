import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { configuredSocket } from '../../../src/cli/admin-socket.ts'
import { FakeIo } from '../../support/router/fake-io.ts'

const dir = mkdtempSync(join(tmpdir(), 'admin-socket-'))
describe('the admin socket that a command uses', () => {
  after(() => rmSync(dir, { recursive: true }))

  const DEFAULT = '/run/patroni-router/admin.sock'
  const REST = 'scope: demo\netcd3: {hosts: a}\n'

  const FILES: readonly (readonly [title: string, text: string, socket: string])[] = [
    ['nothing of it', REST, DEFAULT],
    ['an empty section', `${REST}admin:\n`, DEFAULT],
    ['a section with something else', `${REST}admin: {bind: }\n`, DEFAULT],
    ['the word elsewhere', `${REST}# no admin: {socket: /a}\nname: admin\n`, DEFAULT],
    ['a block', `admin:\n  socket: /run/x/a.sock\n${REST}`, '/run/x/a.sock'],
    ['a block at the end', `${REST}admin:\n  socket: /run/x/a.sock\n`, '/run/x/a.sock'],
    ['a block with quotes', `${REST}admin:\n  socket: '/run/x y/a.sock'\n`, '/run/x y/a.sock'],
    ['braces', `${REST}admin: {socket: /run/x/a.sock}\n`, '/run/x/a.sock'],
    ['braces with blanks', `${REST}admin: { socket: /run/x/a.sock }\n`, '/run/x/a.sock'],
    ['a remark', `${REST}admin:\n  socket: /run/x/a.sock # here\n`, '/run/x/a.sock'],
    ['double quotes', `${REST}admin: {socket: "/run/x\\u002fa.sock"}\n`, '/run/x/a.sock'],
    ['an anchor', `${REST}admin: &a\n  socket: /run/x/a.sock\n`, '/run/x/a.sock'],
    ['another key before it', `${REST}admin:\n  bind:\n  socket: /run/x/a.sock\n`, '/run/x/a.sock'],
    ['another key behind it', `${REST}admin:\n  socket: /run/x/a.sock\n  bind:\n`, '/run/x/a.sock'],
    ['a mode and a group', `admin:\n  socket: /run/x/a.sock\n  mode: '0660'\n  group: web\n${REST}`, '/run/x/a.sock'],
    ['these in braces', `admin: {socket: '/run/x/a.sock', mode: 0660, group: web}\n${REST}`, '/run/x/a.sock'],
    ['these alone', `admin: {mode: '0660', group: web}\n${REST}`, DEFAULT],
    ['a merge', `x-socket: &s {socket: /run/x/a.sock}\nadmin: {<<: *s}\n${REST}`, '/run/x/a.sock'],
    ['a merge above it', `x: &x {admin: {socket: /run/x/a.sock}}\n<<: *x\n${REST}`, '/run/x/a.sock'],
    ['no line end', `${REST}admin: {socket: /run/x/a.sock}`, '/run/x/a.sock'],
    ['a path that goes on', `${REST}admin:\n  socket: /run/x\n    y.sock\n`, '/run/x y.sock'],
    ['one that is deeper', `${REST}log:\n  admin:\n    socket: /no\nadmin: {socket: /yes}\n`, '/yes'],
  ]

  for (const [title, text, socket] of FILES)
    test(`the socket is found in a file with ${title}`, async () => {
      const file = join(dir, 'config.yml')
      writeFileSync(file, text)
      const io = new FakeIo()
      assert.equal(await configuredSocket(file, io), socket)
      assert.equal(io.stderr, '')
    })

  test('a fault of the file is reported, with a remedy', async () => {
    const file = join(dir, 'wrong.yml')
    for (const text of ['admin: [', `${REST}admin: {socket: a.sock}\n`, 'admin: {socket: 5}\n']) {
      writeFileSync(file, text)
      const io = new FakeIo()
      assert.equal(await configuredSocket(file, io), null)
      assert.match(io.stderr, /wrong\.yml[^]*--socket PATH/)
    }
  })

  test('the socket is found in a directory, where the last file counts', async () => {
    const place = join(dir, 'patroni.d')
    mkdirSync(place)
    writeFileSync(join(place, '00.yml'), REST)
    assert.equal(await configuredSocket(place, new FakeIo()), DEFAULT)
    writeFileSync(join(place, '10.yml'), 'admin: {socket: /run/x/a.sock}\n')
    assert.equal(await configuredSocket(place, new FakeIo()), '/run/x/a.sock')
    writeFileSync(join(place, '20.yaml'), 'admin:\n  socket: /run/x/b.sock\n')
    writeFileSync(join(place, '30.txt'), 'admin:\n  socket: /run/x/c.sock\n')
    const io = new FakeIo({ PATRONI_ROUTER_CONFIG: place })
    assert.equal(await configuredSocket(null, io), '/run/x/b.sock')
    assert.equal(io.stderr, '')
    writeFileSync(join(place, '40.yml'), 'admin: [\n')
    const wrong = new FakeIo()
    assert.equal(await configuredSocket(place, wrong), null)
    assert.match(wrong.stderr, /40\.yml:[^]*--socket PATH/)
  })

  test('the socket is found in PATRONI_CONFIGURATION', async () => {
    const io = new FakeIo({ PATRONI_CONFIGURATION: `${REST}admin: {socket: /run/x/a.sock}\n` })
    assert.equal(await configuredSocket(null, io), '/run/x/a.sock')
    assert.equal(await configuredSocket(null, new FakeIo({ PATRONI_CONFIGURATION: REST })), DEFAULT)
  })
})
