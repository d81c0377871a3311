import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { TempDir } from '../../test/support/files/temp.ts'
import { POSTGRES_BIN } from '../../test/support/patroni/config.ts'
import { sql } from '../../test/support/clients/sql.ts'
import type { Case } from '../case.ts'
import { inOneRun, type Recorder } from '../run.ts'
import { PrimaryTestbed } from './primary.ts'
import { addOfProxy, cpuSeconds, inRounds, type Way } from './sides.ts'

/** Bytes of a row, with its end. */
const ROW = 1_000
const GIGABYTES_OUT = 1.5
const GIGABYTES_IN = 0.5
const CHUNK_ROWS = 10_000
const PSQL = join(POSTGRES_BIN, 'psql')

/** Bulk in one session, by psql. The server makes the rows out of nothing, and drops those that it reads: no disk decides. */
export const copy: Case = {
  name: 'copy',
  title: '`COPY` in one session',
  figures: [
    { key: 'out', label: '`COPY TO`', unit: 'GB/s', of: 'median', target: ratio({ min: 1 }, 'out-cpu', 1.2) },
    {
      ...{ key: 'out-cpu', label: '`COPY TO`: CPU of the proxy', unit: 's/GB', of: 'median' },
      target: { ratio: { max: 1.2 } },
    },
    { key: 'in', label: '`COPY FROM`', unit: 'GB/s', of: 'median' },
    {
      ...{ key: 'in-cpu', label: '`COPY FROM`: CPU of the proxy', unit: 's/GB', of: 'median' },
      target: { ratio: { max: 1.3 } },
    },
  ],
  measure: inOneRun(async (record, rounds) => {
    await using testbed = await PrimaryTestbed.start()
    const { ways } = testbed.sides
    await using dir = TempDir.create('copy')
    const file = join(dir.path, 'rows')
    writeRows(file)
    for (const { side, port } of ways) if (side === 'direct') await sql(port, 'CREATE UNLOGGED TABLE sink (line text)')
    await inRounds(record, ways, rounds, async (to, turn) => {
      for (const way of turn) await timed(to, 'out', GIGABYTES_OUT, way, () => copyOut(way.port))
      for (const way of turn) await timed(to, 'in', GIGABYTES_IN, way, () => copyIn(way.port, file))
    })
  }),
}

function ratio(limit: { min: number }, key: string, max: number) {
  return { ratio: limit, decider: { name: 'CPU', key, ratio: { max } } }
}

async function timed(
  record: Recorder,
  key: string,
  gigabytes: number,
  way: Way,
  work: () => Promise<void>,
): Promise<void> {
  const [begun, cpu] = [performance.now(), cpuSeconds(way)]
  await work()
  record.add(key, { [way.side]: gigabytes / ((performance.now() - begun) / 1000) })
  addOfProxy(record, `${key}-cpu`, way, (cpuSeconds(way) - cpu) / gigabytes)
}

async function copyOut(port: number): Promise<void> {
  const rows = `SELECT repeat('x', ${ROW - 1}), generate_series(1, ${(GIGABYTES_OUT * 1e9) / ROW})`
  const text = `COPY (SELECT line FROM (${rows}) AS rows(line, number)) TO STDOUT`
  await promisify(execFile)(PSQL, ['-qX', '-o', '/dev/null', '-c', text], { env: environment(port) })
}

async function copyIn(port: number, file: string): Promise<void> {
  const input = openSync(file, 'r')
  const args = ['-qX', '-v', 'ON_ERROR_STOP=1', '-c', 'COPY sink FROM STDIN WHERE false']
  const child = spawn(PSQL, args, { env: environment(port), stdio: [input, 'ignore', 'inherit'] })
  closeSync(input)
  await once(child, 'exit')
  if (child.exitCode !== 0) throw new Error(`psql: exit ${child.exitCode}`)
}

function writeRows(file: string): void {
  const rows = Buffer.from(`${'x'.repeat(ROW - 1)}\n`.repeat(CHUNK_ROWS))
  const output = openSync(file, 'w')
  for (let bytes = 0; bytes < GIGABYTES_IN * 1e9; bytes += rows.length) writeSync(output, rows)
  closeSync(output)
}

function environment(port: number): NodeJS.ProcessEnv {
  return { ...process.env, PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' }
}
