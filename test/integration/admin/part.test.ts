/** The admin socket of a router whose configuration changes, on file systems that hang or have no room for it. */
import assert from 'node:assert/strict'
import { existsSync, watch } from 'node:fs'
import fs from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { pino } from 'pino'
import { ask } from '../../../src/admin/client.ts'
import type { AdminConfig } from '../../../src/config/config.ts'
import { AdminPart } from '../../../src/router/admin-part.ts'
import { TempDir } from '../../support/files/temp.ts'
import { until } from '../../support/until.ts'

let dir: TempDir
let part: AdminPart

before(() => {
  dir = TempDir.create('admin-part')
})
afterEach(async () => {
  await part.close()
})
after(async () => {
  await dir.remove()
})

/** `openMs`: how long the next socket may take; left out: as long as it does in a router. */
async function run(openMs?: number): Promise<void> {
  part = new AdminPart(at(join(dir.path, 'admin.sock')), {
    commands: () => [{ words: ['ping'], parameters: '', help: '', run: () => 'pong' }],
    log: pino({ level: 'silent' }),
    ...(openMs === undefined ? {} : { openMs }),
  })
  await part.start()
}

function at(path: string): Pick<AdminConfig, 'socket'> {
  return { socket: { path, isDefault: false, mode: null, group: null } }
}

async function refused(path: string): Promise<string> {
  const prepared = await part.prepare(at(path), () => false)
  prepared.abandon()
  return prepared.refused.map(({ part: which, reason }) => `${which}: ${reason ?? ''}`).join()
}

async function answers(): Promise<void> {
  const options = { timeoutMs: 5000, signal: new AbortController().signal }
  assert.equal(await ask(join(dir.path, 'admin.sock'), 'ping', options), 'pong\n')
}

test('a socket on a file system that hangs is refused in time, and does not appear later', async (context) => {
  await run(50)
  const hanging = Promise.withResolvers<undefined>()
  const directory = dir.mkdir('hanging')
  const path = join(directory, 'admin.sock')
  let changes = 0
  const watcher = watch(directory, () => changes++)
  const mkdir = fs.mkdir
  context.mock.method(fs, 'mkdir', async (name: string, options: object) => {
    await hanging.promise
    await mkdir(name, options)
  })
  syncBuiltinESMExports()
  try {
    assert.match(await refused(path), /^admin: cannot open the admin socket .*: its file system has not answered/)
    await answers()
    hanging.resolve(undefined)
    await until('it was opened and closed', () => changes >= 2 && !existsSync(path))
  } finally {
    watcher.close()
    context.mock.restoreAll()
    syncBuiltinESMExports()
  }
  await answers()
})

test('a socket where no directory can be made is refused', async () => {
  await run()
  assert.match(await refused('/proc/patroni-router/run/admin.sock'), /cannot create its directory: ENOENT/)
  await answers()
})
