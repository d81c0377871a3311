import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import { pino } from 'pino'
import { AdminSocket } from '../../../src/admin/socket.ts'
import type { AccessSettings } from '../../../src/admin/socket-access.ts'
import { TempDir } from '../../support/files/temp.ts'
import { systemUser } from '../../support/processes/user.ts'

const own = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
/** Of no group that matters here; without root there is only ourselves. */
const nobody = systemUser('nobody') ?? own
const games = systemUser('games') ?? own
const GROUP = games === own ? String(own.gid) : 'games'

/** Returns whether a user can connect, of that group and no other. Python is where each user can run it. */
function connects(path: string, user: { readonly uid: number; readonly gid: number }): boolean {
  const script = 'import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])'
  const { status, stderr } = spawnSync('python3', ['-c', script, path], { ...user, cwd: '/', encoding: 'utf8' })
  assert.match(stderr, status === 0 ? /^$/ : /PermissionError/)
  return status === 0
}

function modes(path: string): readonly string[] {
  return [path, dirname(path)].map((each) => {
    const { mode, gid } = statSync(each)
    return `${(mode & 0o7777).toString(8)} ${gid}`
  })
}

describe('group and permissions of the admin socket', () => {
  let dir: TempDir
  let path: string
  let socket: AdminSocket | null
  let logged: string[]

  beforeEach(() => {
    dir = TempDir.create('access')
    chmodSync(dir.path, 0o711)
    path = join(dir.path, 'run', 'admin.sock')
    socket = null
    logged = []
  })
  afterEach(async () => {
    await socket?.close()
    await dir.remove()
  })

  async function open(access: AccessSettings): Promise<AdminSocket> {
    const log = pino({ level: 'debug' }, { write: (line) => logged.push(line) })
    socket = new AdminSocket({ path, log, commands: [], access })
    await socket.start()
    return socket
  }

  test('with a group its users can connect, and no others', async () => {
    await open({ mode: null, group: GROUP })
    assert.deepEqual(modes(path), [`660 ${games.gid}`, `750 ${games.gid}`])
    assert.ok(connects(path, { ...nobody, gid: games.gid }))
    assert.equal(connects(path, nobody), nobody === own)
  })

  test('a group can be a number, and a mode is as it is written', async () => {
    await open({ mode: 0o770, group: String(games.gid) })
    assert.deepEqual(modes(path), [`770 ${games.gid}`, `750 ${games.gid}`])
  })

  test('a mode without a group is for the group of the router', async () => {
    await open({ mode: 0o660, group: null })
    assert.deepEqual(modes(path), [`660 ${own.gid}`, `750 ${own.gid}`])
  })

  test('0600 keeps the group out, of the directory too', async () => {
    await open({ mode: 0o600, group: null })
    assert.deepEqual(modes(path), [`600 ${own.gid}`, `700 ${own.gid}`])
  })

  test('a running router changes them, and back, without a new socket', async () => {
    const opened = await open({ mode: null, group: null })
    const [before, { ino }] = [modes(path), statSync(path)]
    await opened.reconfigure({ mode: null, group: GROUP })
    assert.deepEqual(modes(path), [`660 ${games.gid}`, `750 ${games.gid}`])
    await opened.reconfigure({ mode: null, group: null })
    assert.deepEqual(modes(path), before)
    assert.equal(statSync(path).ino, ino)
  })

  test('a group that does not exist is named, with what to do, and nothing is left behind', async () => {
    const unknown = { mode: null, group: 'no-such-group' }
    const message = `cannot open the admin socket ${path}: there is no group no-such-group: create it, or correct admin.group`
    await assert.rejects(open(unknown), { code: 'BIND_FAILED', message })
    assert.throws(() => statSync(dirname(path)), { code: 'ENOENT' })
    const opened = await open({ mode: 0o660, group: GROUP })
    await assert.rejects(opened.reconfigure(unknown), { code: 'BIND_FAILED', message })
    assert.deepEqual(modes(path), [`660 ${games.gid}`, `750 ${games.gid}`])
  })

  test('a directory that was there is left alone; that the group cannot enter it is reported, with what to do', async () => {
    const directory = dirname(path)
    mkdirSync(directory, { mode: 0o700 })
    const opened = await open({ mode: null, group: GROUP })
    assert.deepEqual(modes(path), [`660 ${games.gid}`, `700 ${own.gid}`])
    const text = logged.join('')
    assert.match(text, /"event":"admin-directory-closed"/)
    assert.ok(
      text.includes(`the group ${GROUP} cannot enter its directory: ${directory} was there before and has mode 0700`),
    )
    assert.ok(text.includes(`chmod g+x ${directory}"`))
    chownSync(directory, own.uid, games.gid)
    chmodSync(directory, 0o750)
    await opened.reconfigure({ mode: 0o660, group: GROUP })
    assert.equal(logged.length, 1)
  })

  test('a socket that could not be opened is opened with the next settings', async () => {
    const log = pino({ level: 'silent' })
    socket = new AdminSocket({ path, log, commands: [], access: { mode: null, group: 'no-such-group' } })
    await assert.rejects(socket.start(), { code: 'BIND_FAILED' })
    await socket.reconfigure({ mode: null, group: GROUP })
    assert.ok(connects(path, { ...nobody, gid: games.gid }))
  })
})
