import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { POSTGRES_BIN } from '../../test/support/patroni/config.ts'

/** Runs pgbench through a port to its end. @throws when a client of it fails. */
export async function pgbench(port: number, args: readonly string[]): Promise<void> {
  await run('pgbench', ['-n', ...args], port)
}

/** Makes the tables of pgbench. */
export async function createTables(port: number): Promise<void> {
  await run('pgbench', ['-i', '-q'], port)
}

/** Reads `mebibytes` through a port in one session. */
export async function read(port: number, mebibytes: number): Promise<void> {
  const copy = `COPY (SELECT repeat('x', 1023) FROM generate_series(1, ${mebibytes * 1024})) TO STDOUT`
  await run('psql', ['-q', '-X', '-o', '/dev/null', '-c', copy], port)
}

async function run(program: string, args: readonly string[], port: number): Promise<void> {
  const env = { ...process.env, PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' }
  const { stderr } = await promisify(execFile)(join(POSTGRES_BIN, program), args, { env, timeout: 300_000 })
  if (/error|FATAL|aborted/i.test(stderr)) throw new Error(`${program}: ${stderr}`)
}
