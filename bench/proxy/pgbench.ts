import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { TempDir } from '../../test/support/files/temp.ts'
import { POSTGRES_BIN } from '../../test/support/patroni/config.ts'

/** What pgbench has counted from its first line of progress to its last one: after the connects, and warm. */
export interface Counted {
  readonly seconds: number
  readonly transactions: number
  /** Processor time meanwhile, by `meter`. */
  readonly cpuSeconds: number
  /** Milliseconds of a sample of the transactions, sorted. */
  readonly latencies: readonly number[]
}

interface Moment {
  readonly at: number
  readonly tps: number
  readonly cpu: number
}

/** A tenth of the transactions: writing them all down would be load. */
const SAMPLING = ['--log', '--sampling-rate=0.1']

/** Runs `pgbench -S` with one thread through a port. @throws when a client fails. */
export async function selectOnly(
  port: number,
  args: readonly string[],
  meter: () => number,
  logged = true,
): Promise<Counted> {
  await using dir = TempDir.create('pgbench')
  const moments: Moment[] = []
  const errors: string[] = []
  const env = { ...process.env, PGHOST: '127.0.0.1', PGPORT: String(port), PGUSER: 'postgres', PGDATABASE: 'postgres' }
  const all = ['-n', '-S', '-j', '1', '-P', '1', ...(logged ? SAMPLING : []), ...args]
  const child = spawn(join(POSTGRES_BIN, 'pgbench'), all, {
    cwd: dir.path,
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  createInterface({ input: child.stderr }).on('line', (line) => {
    const moment = progressOf(line)
    if (moment !== null) moments.push({ ...moment, cpu: meter() })
    else if (/error|FATAL|aborted/i.test(line)) errors.push(line)
  })
  await once(child, 'close')
  if (child.exitCode !== 0 || errors.length > 0)
    throw new Error(`pgbench: exit ${child.exitCode}: ${errors.join('; ')}`)
  return { ...between(moments), latencies: latenciesIn(dir.path) }
}

/** Returns a line such as `progress: 2.0 s, 21834.2 tps, lat 0.7 ms stddev 0.2, 0 failed`; null for any other. */
export function progressOf(line: string): { readonly at: number; readonly tps: number } | null {
  const found = /^progress: ([\d.]+) s, ([\d.]+) tps/.exec(line)
  return found === null ? null : { at: Number(found[1]), tps: Number(found[2]) }
}

/** Returns what happened between the first moment and the last one. @throws when there are not two. */
export function between(moments: readonly Moment[]): Omit<Counted, 'latencies'> {
  const [first] = moments
  const last = moments.at(-1)
  if (first === undefined || last === undefined || first === last) throw new Error('pgbench has shown no progress')
  const transactions = moments.slice(1).reduce((sum, { at, tps }, index) => {
    return sum + tps * (at - (moments[index]?.at ?? NaN))
  }, 0)
  return { seconds: last.at - first.at, transactions, cpuSeconds: last.cpu - first.cpu }
}

function latenciesIn(dir: string): readonly number[] {
  const files = readdirSync(dir).filter((name) => name.startsWith('pgbench_log.'))
  const lines = files.flatMap((name) => readFileSync(join(dir, name), 'utf8').trimEnd().split('\n'))
  return lines.map((line) => Number(line.split(' ')[2]) / 1000).sort((a, b) => a - b)
}
